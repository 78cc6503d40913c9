"""`tbcli plot RUN` against a plain script that draws the same figure from lists in memory.

The peer is the cheapest script a user would plausibly write: `matplotlib.figure`, no pyplot, fixed margins, no
`bbox_inches`. A second one does as tutorials do: pyplot and `tight_layout`.

Then `tbcli plot` of a foreign file of 1,000,000 points, read anew and out of the cache, against the import of
matplotlib alone: what any figure costs before its first line.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path

from tests.benchmarks.measure import PYTHON, TBCLI, interleaved, report
from tests.fakes import make_run

EPOCHS = 20
GOAL = 1.2
CORPUS = """
import sys, pathlib
from tests.benchmarks.corpus import scalar_records, write_file
write_file(pathlib.Path(sys.argv[1]), scalar_records(["loss"], int(sys.argv[2])))
"""
POINTS, GOAL_OF_POINTS = 1_000_000, 2.7

DRAW = """
epochs = list(range(1, len(history["loss"]) + 1))
for axes, name, choose in zip(both, ("accuracy", "loss"), (max, min)):
    train, validation = history[name], history["val_" + name]
    best = validation.index(choose(validation))
    axes.plot(epochs, train, "-", color="#1f6fb4", linewidth=1.6, marker="o", markersize=3.5, label="train")
    axes.plot(epochs, validation, "--", color="#e4680b", linewidth=1.6, marker="o", markersize=3.5, label="validation")
    axes.axvline(best + 1, color="#bdbdbd", linewidth=1, linestyle=":")
    axes.plot([best + 1], [validation[best]], "o", color="#e4680b", markersize=7, markeredgecolor="black",
              linestyle="", label=f"best {validation[best]:.4f} at epoch {best + 1}")
    axes.set_title(name.capitalize(), loc="left", fontsize=11, pad=25)
    axes.set_xlabel("epoch")
    axes.set_xticks([1, 5, 10, 15, 20])
    axes.grid(True, color="#e6e6e6")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, fontsize=8.5, frameon=False)
"""

PLAIN = """
from matplotlib.figure import Figure
history = {history}
figure = Figure(figsize=(11.45, 5.02))
both = figure.subplots(1, 2)
figure.subplots_adjust(left=0.07, right=0.97, bottom=0.12, top=0.73, wspace=0.18)
figure.text(0.07, 0.92, "a run", fontsize=14)
figure.text(0.07, 0.87, "cnn on mnist  ·  20 epochs  ·  test accuracy 0.9800", fontsize=9)
{draw}
figure.savefig({file!r}, dpi=120)
"""

TUTORIAL = """
import matplotlib
matplotlib.use("Agg")
import matplotlib.pyplot as plt
history = {history}
figure, both = plt.subplots(1, 2, figsize=(11.45, 5.02))
figure.suptitle("a run: cnn on mnist, 20 epochs, test accuracy 0.9800")
{draw}
plt.tight_layout()
plt.savefig({file!r}, dpi=120)
"""


def bench() -> None:
    """Measure."""
    with tempfile.TemporaryDirectory() as place:
        workspace = Path(place)
        run = make_run(workspace, epochs=EPOCHS)
        header, *rows = [line.split(",") for line in run.history_file.read_text().splitlines()]
        history = {name: [float(row[column]) for row in rows] for column, name in enumerate(header)}

        def script(name: str, text: str) -> list[str]:
            file = workspace / f"{name}.py"
            figure = str(workspace / f"{name}.png")
            file.write_text(text.format(history=json.dumps(history), draw=DRAW, file=figure), encoding="utf-8")
            return [PYTHON, str(file)]

        contestants = {
            "script, matplotlib.figure": script("plain", PLAIN),
            "script, pyplot and tight_layout": script("tutorial", TUTORIAL),
            "tbcli plot RUN": [*TBCLI, "plot", run.id],
            "tbcli plot RUN --x time --log y": [*TBCLI, "plot", run.id, "--x", "time", "--log", "y"],
        }
        costs = interleaved(contestants, rounds=7, cwd=place)
    goals = {name: GOAL for name in contestants if name.startswith("tbcli")}
    report("plot, one run", costs, peer="script, matplotlib.figure", goals=goals)
    bench_points()


def bench_points() -> None:
    """Measure a long curve."""
    peer = "import matplotlib.figure"
    with tempfile.TemporaryDirectory() as place:
        # In a process of its own: a child counts the memory of the parent it was forked from as its peak.
        subprocess.run([PYTHON, "-c", CORPUS, f"{place}/logs", str(POINTS)], check=True)
        draw = ["plot", "./logs", "--out", "loss.png"]
        contestants = {
            peer: [PYTHON, "-c", peer],
            "tbcli plot, read anew": [*TBCLI, *draw, "--no-cache"],
            "tbcli plot, from the cache": [*TBCLI, *draw],
            "tbcli plot --terminal, from the cache": [*TBCLI, "plot", "./logs", "--terminal"],
        }
        costs = interleaved(contestants, rounds=7, cwd=place)
    goals = {name: GOAL_OF_POINTS for name in contestants if name != peer}
    report(f"plot, {POINTS:,} points", costs, peer=peer, goals=goals)
