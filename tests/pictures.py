"""Makes the README's pictures anew, from three trainings of its own: ``python -m tests.pictures``.

It needs tmux, chromium and chromedriver.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.text import Text

from tests.browser.page import Page
from tests.serving.process import serving

TBCLI = [sys.executable, "-m", "tbcli"]
PICTURES = Path(__file__).parents[1] / ".github"
FIRST = ["train", "--name", "first"]
OTHERS = (["train", "--epochs", "3", "--lr", "0.004", "--seed", "1", "--name", "second"],
          ["train", "--recipe", "fast", "--seed", "2", "--name", "fast"])  # fmt: skip
COLUMNS = 80


def main() -> None:
    """Train, draw, serve, and replace the pictures."""
    with tempfile.TemporaryDirectory() as place:
        workspace = Path(place)
        shown = on_a_terminal(FIRST, workspace)
        for words in OTHERS:
            subprocess.run([*TBCLI, *words, "--quiet"], cwd=workspace, check=True)
        subprocess.run([*TBCLI, "plot", "first", "--out", PICTURES / "history.png"], cwd=workspace, check=True)
        with serving("--workspace", place) as server:
            page = Page(workspace / "profile", server.url)
            page.driver.set_window_size(1400, 900)
            page.driver.get(server.url)
            page.wait_for("return all('metrics-pinned-view line-chart').length", lambda charts: charts == 2)
            time.sleep(5)  # until the curves have come to rest
            page.driver.save_screenshot(str(PICTURES / "tensorboard.png"))
            page.driver.get(drawn_terminal(shown, FIRST, workspace).as_uri())
            width, height = page.run(
                "const box = document.querySelector('svg').viewBox.baseVal; return [box.width, box.height]"
            )
            page.driver.set_window_size(int(width) + 1, int(height) + 140)  # the window's own frame
            page.driver.save_screenshot(str(PICTURES / "train.png"))
            page.driver.quit()


def on_a_terminal(words: list[str], workspace: Path) -> str:
    """Return what a command leaves on a terminal, with colours."""
    tmux = ["tmux", "-L", f"tbcli-{os.getpid()}"]
    ended = workspace / "ended"
    command = f"{shlex.join([*TBCLI, *words])}; touch {ended}; sleep 60"
    subprocess.run([*tmux, "new-session", "-d", "-x", str(COLUMNS), "-y", "30", command], cwd=workspace, check=True)
    try:
        while not ended.exists():
            time.sleep(0.2)
        shown = subprocess.run([*tmux, "capture-pane", "-e", "-p"], capture_output=True, text=True, check=True)
    finally:
        subprocess.run([*tmux, "kill-server"], check=False)
    return shown.stdout.rstrip()


def drawn_terminal(shown: str, words: list[str], workspace: Path) -> Path:
    """Return a picture of a terminal window with a command and what it left, as a file."""
    with Path(os.devnull).open("w") as nowhere:
        console = Console(record=True, width=COLUMNS, file=nowhere, force_terminal=True)
        console.print(Text(f"$ tbcli {' '.join(words)}"))
        console.print(Text.from_ansi(shown))
        console.save_svg(str(workspace / "train.svg"), title="tbcli train")
    return workspace / "train.svg"


if __name__ == "__main__":
    main()
