"""The view that a browser is sent to at its first visit, and who is not sent anywhere."""

from __future__ import annotations

import json
import re
import urllib.parse
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import Client
from werkzeug.wrappers import Request, Response

from tbcli.serving.first_view import redirect_first_visit, view_query

OURS = {"epoch_loss": {}, "epoch_accuracy": {}, "epoch_learning_rate": {}}
RUNS = {"a": {"test_loss": {}}, "a/train": OURS, "a/validation": OURS, "b/train": OURS}
BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


def view_of(shown: Mapping[str, Iterable[str]]) -> dict[str, str]:
    return dict(urllib.parse.parse_qsl(view_query({run: list(found) for run, found in shown.items()})))


def pins_of(shown: Mapping[str, Iterable[str]]) -> list[str]:
    return [card["tag"] for card in json.loads(view_of(shown).get("pinnedCards", "[]"))]


def colours_of(shown: Mapping[str, Iterable[str]]) -> dict[str, str]:
    pattern = view_of(shown)["runColorGroup"].removeprefix("regex:")
    return {run: found[1] for run in shown if (found := re.match(pattern, run))}


def test_of_our_runs_loss_and_accuracy_are_pinned_unsmoothed_in_one_colour_a_run() -> None:
    assert pins_of(RUNS) == ["epoch_loss", "epoch_accuracy"]


@pytest.mark.parametrize("metric", ["epoch_mae", "epoch_binary_accuracy"])
def test_of_a_run_with_another_task_its_own_metric_is_pinned(metric: str) -> None:
    shown = {f"run/{split}": {"epoch_loss": {}, metric: {}, "epoch_r2": {}} for split in ("train", "validation")}
    assert pins_of(shown) == ["epoch_loss", metric]
    assert view_of(RUNS)["smoothing"] == "0"
    assert colours_of(RUNS) == {"a": "a", "a/train": "a", "a/validation": "a", "b/train": "b"}


@pytest.mark.parametrize(
    ("shown", "pins"),
    [
        ({"a/train": ["epoch_loss"]}, ["epoch_loss"]),
        ({"version_0": ["train_loss_step", "train_loss_epoch", "val_loss", "lr"]}, ["train_loss_epoch", "val_loss"]),
        ({".": ["train/loss", "eval/loss", "train/epoch"]}, ["train/loss", "eval/loss"]),
        ({".": ["loss", "val_loss", "acc", "val_acc"]}, ["loss", "val_loss", "acc", "val_acc"]),
        ({"train": ["train/box_loss", "val/box_loss", "train/cls_loss"]},
         ["train/box_loss", "train/cls_loss", "val/box_loss"]),
        ({".": ["rollout/ep_rew_mean", "time/fps"]}, []),
    ],
)  # fmt: skip
def test_of_other_logs_those_losses_are_pinned_that_they_have(shown: dict[str, list[str]], pins: list[str]) -> None:
    assert pins_of(shown) == pins


def test_directories_of_any_depth_have_the_colour_of_their_run() -> None:
    shown = {f"exp/{run}/{split}": ["epoch_loss"] for run in "ab" for split in ("train", "validation")}
    assert colours_of(shown) == {place: place.rpartition("/")[0] for place in shown}
    assert colours_of({"logs/version_0": ["loss"], "logs/version_1": ["loss"]}) == {
        "logs/version_0": "logs/version_0",
        "logs/version_1": "logs/version_1",
    }


@pytest.mark.parametrize("shown", [{}, {"a": []}])
def test_where_there_are_no_scalars_there_is_no_view(shown: dict[str, list[str]]) -> None:
    assert view_query(shown) == ""


def site(shown: Mapping[str, Any] = RUNS, prefix: str = "", logdir: str = "/logs") -> Client:
    """Return a browser for a TensorBoard that shows some tags."""

    @Request.application
    def tensorboard(request: Request) -> Response:
        if request.path == f"{prefix}/data/plugin/scalars/tags":
            return Response(json.dumps(shown), content_type="application/json")
        return Response("the page")

    return Client(redirect_first_visit(tensorboard, prefix, logdir))


@pytest.mark.parametrize("prefix", ["", "/tb"])
def test_a_browser_is_redirected_once_and_never_again(prefix: str) -> None:
    browser = site(prefix=prefix)
    first = browser.get(f"{prefix}/", headers=BROWSER)
    assert first.status_code == 302
    place = urllib.parse.urlsplit(first.location)
    assert (place.path, place.query) == (f"{prefix}/", view_query(RUNS))
    assert place.fragment == ""  # the browser keeps the one that was typed
    assert browser.get(first.location, headers=BROWSER).text == "the page"
    assert browser.get(f"{prefix}/", headers=BROWSER).text == "the page"


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/", {}),
        ("/", {"Accept": "*/*"}),
        ("/", {"Accept": "application/json"}),
        ("/?darkMode=true", BROWSER),
        ("/data/environment", BROWSER),
        ("/index.html", BROWSER),
    ],
)
def test_programs_and_other_addresses_are_left_alone(path: str, headers: dict[str, str]) -> None:
    assert site().get(path, headers=headers).status_code == 200


def test_only_a_request_for_the_page_is_a_visit() -> None:
    assert site().post("/", headers=BROWSER).text == "the page"
    assert site().head("/", headers=BROWSER).status_code == 200


def test_an_empty_log_directory_spends_no_visit() -> None:
    response = site({}).get("/", headers=BROWSER)
    assert response.status_code == 200
    assert "Set-Cookie" not in response.headers


def test_each_log_directory_has_its_own_first_visit(tmp_path: Path) -> None:
    def cookie(logdir: Path) -> str:
        return str(site(logdir=str(logdir)).get("/", headers=BROWSER).headers["Set-Cookie"]).partition("=")[0]

    for number in (1, 2):  # two temporary directories of links to one run, and one to another
        (tmp_path / f"links{number}").mkdir()
        (tmp_path / f"links{number}" / "run").symlink_to(tmp_path)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "run").symlink_to(tmp_path / "links1")
    assert cookie(tmp_path / "links1") == cookie(tmp_path / "links2")
    assert len({cookie(tmp_path / name) for name in ("links1", "other", "nowhere")}) == 3


def test_a_cookie_of_somebody_else_is_no_obstacle() -> None:
    browser = site()
    assert browser.get("/", headers={**BROWSER, "Cookie": "a=b; \x01;;=; c"}).status_code == 302
