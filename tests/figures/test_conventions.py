"""What is drawn by default of logs as other programs write them: results first, clocks and constants named instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from tbcli.figures.composing import compose
from tbcli.figures.curves import Request, Scene
from tbcli.runs import LogDirectory
from tests.events.records import event, simple, write


@pytest.fixture(autouse=True)
def cache_home(tmp_path_factory, monkeypatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


def log(directory: Path, tags: dict[str, list[float]]) -> None:
    """Write one event file with the tags, their values at steps 10, 20, ..."""
    steps = range(max(map(len, tags.values())))
    write(
        directory,
        *(
            event(10 * (step + 1), *(simple(tag, values[step]) for tag, values in tags.items() if step < len(values)))
            for step in steps
        ),
    )


def drawn(directory: Path) -> Scene:
    return compose([LogDirectory(directory.name, directory)], Request())


FALLING, RISING, FLAT = [2.0, 1.0, 0.5], [0.25, 0.5, 0.75], [0.5, 0.5, 0.5]


def test_hugging_face_has_its_learning_rate_and_gradient_norm_and_no_clocks(tmp_path) -> None:
    log(
        tmp_path / "runs/Nov20_10-01-02_gpu1",
        {
            "train/loss": FALLING,
            "train/learning_rate": FALLING,
            "train/epoch": RISING,
            "train/grad_norm": FALLING,
            "eval/loss": FALLING,
            "eval/accuracy": RISING,
            "eval/runtime": [3.0, 3.25, 3.5],
            "eval/samples_per_second": [300.0, 310.0, 320.0],
            "train/total_flos": [1e17],
        },
    )
    scene = drawn(tmp_path)
    assert scene.metrics == ("accuracy", "loss", "grad_norm", "learning_rate")
    assert [one.name for one in scene.panels[1].curves] == ["loss", "val_loss"]
    assert scene.left_out == (
        "not drawn (clocks and counters): val_runtime, val_samples_per_second, total_flos; `--metric NAME` draws them",
    )


def test_stable_baselines_begins_with_the_reward_and_its_runs_are_in_order(tmp_path) -> None:
    for number in (1, 10, 2):
        tags = {
            "time/fps": [100.0, 101.0, 99.0],
            "train/clip_range": FLAT,
            "train/value_loss": FALLING,
            "rollout/ep_len_mean": [9.0, 12.5, 20.0],
            "rollout/ep_rew_mean": RISING,
        }
        log(tmp_path / f"PPO_{number}", tags)
    scene = drawn(tmp_path)
    assert [panel.metric for panel in scene.panels] == ["ep_rew_mean", "value_loss", "ep_len_mean"]
    assert [entry.label for entry in scene.entries] == ["PPO_1", "PPO_2", "PPO_10"]
    assert scene.left_out == (
        "not drawn (clocks and counters): fps; `--metric NAME` draws them",
        "not drawn (constant): clip_range; `--metric NAME` draws them",
    )


def test_ultralytics_pairs_its_losses_and_its_runs_are_runs(tmp_path) -> None:
    for run in ("train", "train2"):
        tags = {"train/box_loss": FALLING, "val/box_loss": FALLING, "metrics/mAP50(B)": RISING, "lr/pg0": FALLING}
        log(tmp_path / "detect" / run, tags)
    scene = drawn(tmp_path)
    assert len(scene.entries) == 2
    assert scene.metrics[:2] == ("mAP50(B)", "box_loss")
    assert [(one.run, one.split) for one in scene.panels[1].curves] == [
        ("detect/train", "train"),
        ("detect/train", "validation"),
        ("detect/train2", "train"),
        ("detect/train2", "validation"),
    ]


def test_a_training_that_is_stuck_shows_that_it_is(tmp_path) -> None:
    log(tmp_path / "run", {"loss": FLAT, "accuracy": FLAT, "momentum": FLAT})
    assert drawn(tmp_path).metrics == ("accuracy", "loss")


def test_of_thousands_of_tags_a_few_are_drawn_and_the_rest_is_counted(tmp_path) -> None:
    log(tmp_path / "run", {**{f"grad/layer_{n}/norm": FALLING for n in range(2000)}, "loss": FALLING})
    scene = drawn(tmp_path)
    assert scene.metrics[0] == "loss"
    assert len(scene.panels) == 9
    (said,) = scene.left_out
    assert said.startswith("1,992 of 2,001 metrics do not fit: ")
    assert len(said) < 240


def test_lightning_has_its_losses_per_epoch_and_per_step_in_two_panels_over_steps_and_epochs(tmp_path) -> None:
    steps = range(49, 400, 50)
    events = [event(step, simple("train_loss_step", 1 / step), simple("epoch", step // 100)) for step in steps]
    ends = [
        event(step, simple("train_loss_epoch", 1 / step), simple("val_loss", 2 / step)) for step in range(99, 400, 100)
    ]
    write(tmp_path / "version_0", *sorted([*events, *ends], key=lambda each: each.step))
    place = LogDirectory("x", tmp_path)
    by_step, by_epoch = compose([place], Request()), compose([place], Request(x="epoch"))
    for scene in (by_step, by_epoch):
        assert [(panel.metric, [one.name for one in panel.curves]) for panel in scene.panels] == [
            ("loss", ["loss", "val_loss"]),
            ("loss@step", ["loss@step"]),
        ]
    assert [panel.x_label for panel in by_step.panels] == ["step", "step"]
    assert by_step.panels[0].curves[1].x.tolist() == [99, 199, 299, 399]
    assert by_epoch.panels[0].curves[1].x.tolist() == pytest.approx([0, 1, 2, 3])
