from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tbcli.config import SETTINGS, Config, load_config
from tbcli.config.configuration import FREE
from tbcli.errors import ConfigError

LAYERS = ("workspace", "file", "environment", "set", "flag")


def settle(workspace: Path, layers: Mapping[str, int]) -> Config:
    """Say ``train.epochs`` in the given layers at once."""
    if "workspace" in layers:
        (workspace / "tbcli.toml").write_text(f"[train]\nepochs = {layers['workspace']}\n")
    if "file" in layers:
        (workspace / "my.toml").write_text(f"[train]\nepochs = {layers['file']}\n")
    return load_config(
        file="my.toml" if "file" in layers else None,
        environ={"TBCLI_TRAIN_EPOCHS": str(layers["environment"])} if "environment" in layers else {},
        assignments=[f"train.epochs={layers['set']}"] if "set" in layers else [],
        flags={"train.epochs": layers.get("flag")},
    )


@pytest.mark.parametrize("strongest", range(len(LAYERS)))
def test_a_stronger_layer_overrules_all_weaker_ones(workspace: Path, strongest: int) -> None:
    layers = {name: i + 10 for i, name in enumerate(LAYERS[: strongest + 1])}
    assert settle(workspace, layers).train.epochs == strongest + 10


def test_layers_are_merged_setting_by_setting(workspace: Path) -> None:
    (workspace / "tbcli.toml").write_text("[train]\nepochs = 7\nbatch_size = 32\n[serve]\nport = 7007\n")
    config = load_config(assignments=["train.epochs=9"], environ={"TBCLI_MODEL_DROPOUT": "0.5"})
    assert (config.train.epochs, config.train.batch_size, config.serve.port, config.model.dropout) == (9, 32, 7007, 0.5)


def test_without_any_layer_the_defaults_hold(workspace: Path) -> None:
    assert load_config() == Config()


def test_off_can_be_said_over_a_file(workspace: Path) -> None:
    (workspace / "tbcli.toml").write_text('[train]\npatience = 3\n[record]\nprofile = "20:30"\n')
    config = load_config(flags={"train.patience": 0, "record.profile": ""})
    assert (config.train.patience, config.record.profile_steps) == (0, None)


def test_pyproject_serves_where_there_is_no_file_of_our_own(workspace: Path) -> None:
    (workspace / "pyproject.toml").write_text('[project]\nname = "x"\n[tool.tbcli.train]\nepochs = 7\n')
    assert load_config().train.epochs == 7
    (workspace / "tbcli.toml").write_text("[train]\nepochs = 8\n")
    assert load_config().train.epochs == 8


@pytest.mark.parametrize("text", ['[project]\nname = "x"\n', "[tool.other]\na = 1\n", "not toml at all ["])
def test_a_pyproject_that_does_not_mention_us_is_not_our_business(workspace: Path, text: str) -> None:
    (workspace / "pyproject.toml").write_text(text)
    assert load_config() == Config()


@pytest.mark.parametrize("how", ["flag", "environment", "alias", "file"])
def test_the_workspace_is_settled_first_and_brings_its_file(workspace: Path, how: str) -> None:
    there = workspace / "there"
    there.mkdir()
    (there / "tbcli.toml").write_text('[train]\nepochs = 7\n[paths]\nlogdir = "runs"\nmodels_dir = "/models"\n')
    (workspace / "my.toml").write_text('[paths]\nworkspace = "there"\n')
    config = load_config(
        file="my.toml" if how == "file" else None,
        flags={"paths.workspace": "there" if how == "flag" else None},
        environ={"environment": {"TBCLI_PATHS_WORKSPACE": "there"}, "alias": {"TBCLI_WORKSPACE": "there"}}.get(how, {}),
    )
    assert config.train.epochs == 7
    # Relative to the workspace in its own file, and only there.
    assert (config.paths.logs, config.paths.plots, config.paths.models) == (
        Path("there/runs"),
        Path("there/plots"),
        Path("/models"),
    )


def test_a_path_in_another_file_is_relative_to_where_the_command_runs(workspace: Path) -> None:
    (workspace / "sub").mkdir()
    (workspace / "sub" / "my.toml").write_text('[paths]\nlogdir = "runs"\n')
    assert load_config(file="sub/my.toml").paths.logs == Path("runs")


def test_a_workspace_cannot_move_itself(workspace: Path) -> None:
    (workspace / "tbcli.toml").write_text('[paths]\nworkspace = "elsewhere"\n')
    with pytest.raises(ConfigError, match=r"tbcli\.toml.*paths\.workspace"):
        load_config()


def test_the_workspace_is_never_searched_upwards(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (workspace / "tbcli.toml").write_text("[train]\nepochs = 7\n")
    (workspace / "below").mkdir()
    monkeypatch.chdir(workspace / "below")
    assert load_config().train.epochs == 5


@pytest.mark.parametrize(
    ("said", "origin", "guess"),
    [
        ({"assignments": ["train.epohcs=3"]}, "train.epohcs", "train.epochs"),
        ({"environ": {"TBCLI_TRAIN_EPOHCS": "3"}}, "TBCLI_TRAIN_EPOHCS", "TBCLI_TRAIN_EPOCHS"),
        ({"assignments": ["train.optimizer=adma"]}, "--set train.optimizer", "adam"),
        ({"environ": {"TBCLI_TRAIN_PRECISION": "float23"}}, "TBCLI_TRAIN_PRECISION", "float32"),
        ({"file": "typo.toml"}, "typo.toml: unknown setting 'train.epohcs'", "train.epochs"),
    ],
)
def test_a_typo_is_told_with_its_place_and_a_guess(
    workspace: Path, said: dict[str, Any], origin: str, guess: str
) -> None:
    (workspace / "typo.toml").write_text("[train]\nepohcs = 3\n")
    with pytest.raises(ConfigError) as caught:
        load_config(**said)
    assert origin in caught.value.message
    assert guess in caught.value.hint


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.toml", b"[train"),
        ("a.toml", b"[train]\nepochs = 3\nepochs = 4\n"),
        ("a.toml", b"\xff\xfe\x00"),
        ("a.toml", b"epochs = 3\n"),
        ("a.toml", b"[train]\nepochs = [3]\n"),
        ("a.toml", b"[train]\nepochs = 3.5\n"),
        ("a.toml", b"[train]\nepochs = true\n"),
        ("a.toml", b"[train]\nepochs = 0\n"),
        ("a.toml", b"[train]\nlearning_rate = nan\n"),
        ("a.toml", b"[train]\nlearning_rate = inf\n"),
        ("a.toml", b"[train]\ndeterministic = 'maybe'\n"),
        ("a.toml", b"[train]\nsave_formats = [1]\n"),
        ("a.json", b"{"),
        ("a.json", b"[]"),
        ("a.json", b'{"train": null}'),
        ("a.json", b'{"train": {"epochs": null}}'),
        ("a.json", b'{"train": {"epochs": NaN}}'),
    ],
)
def test_a_corrupt_file_is_an_error_that_names_it(workspace: Path, name: str, content: bytes) -> None:
    (workspace / name).write_bytes(content)
    with pytest.raises(ConfigError, match=name) as caught:
        load_config(file=name)
    assert caught.value.hint
    assert "\n" not in caught.value.message


def test_a_file_that_cannot_be_read_is_an_error(workspace: Path) -> None:
    (workspace / "directory.toml").mkdir()
    with pytest.raises(ConfigError, match="cannot read"):
        load_config(file="directory.toml")
    with pytest.raises(ConfigError, match=r"no configuration file 'missing\.toml'"):
        load_config(file="missing.toml")


def test_a_broken_workspace_file_is_an_error(workspace: Path) -> None:
    (workspace / "tbcli.toml").write_text("[train")
    with pytest.raises(ConfigError, match=r"tbcli\.toml"):
        load_config()


@pytest.mark.parametrize("pair", ["train.epochs", "", "=3", "epochs=3", "train=3"])
def test_an_assignment_without_key_or_value_is_an_error(pair: str) -> None:
    with pytest.raises(ConfigError):
        load_config(assignments=[pair])


def test_text_is_taken_as_the_type_of_the_setting(workspace: Path) -> None:
    pairs = [
        "train.epochs= 3",
        "train.learning_rate=1e-4",
        "train.deterministic=Yes",
        "plot.automatic=off",
        "train.save_formats=keras, h5,keras",
        "train.note=a=b, c",
        "train.name=42",
    ]
    train = load_config(assignments=pairs).train
    assert (train.epochs, train.learning_rate, train.deterministic) == (3, 1e-4, True)
    assert (train.save_formats, train.note, train.name) == (("keras", "h5"), "a=b, c", "42")


def test_an_empty_variable_and_foreign_ones_are_not_ours() -> None:
    assert load_config(environ={"TBCLI_TRAIN_EPOCHS": "", "TBCLI": "x", "PATH": "/bin"}) == Config()


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("train.epochs", [0, -1]),
        ("train.seed", [-1, 2**32]),
        ("train.weight_decay", [-1, float("inf"), float("nan"), 10**400, "inf"]),
        ("train.note", ["not \udcff UTF-8"]),
        ("train.name", ["latest", "latest~1", "best", "best:loss", "a/b", "a.b", "a\nb", "x" * 101]),
        ("data.validation_split", [-0.1, 1, float("nan")]),
        ("model.dropout", [1, -0.5]),
        ("plot.smooth", [1, -0.1]),
        ("serve.port", [-2, 65536]),
        ("serve.host", ["", " localhost"]),
        ("record.profile", ["1", "0:3", "30:20", "a:b", "1:2:3", ":3", "3:", "9" * 5000]),
        ("record.every", ["0", "x", "=5", "histograms=", "histograms=0", "9" * 5000]),
    ],
)
def test_values_out_of_range_are_refused(key: str, values: list[object]) -> None:
    for value in values:
        with pytest.raises(ConfigError, match=key):
            Config().updated({key: value})


def test_cadence_is_read_from_its_list() -> None:
    assert Config().updated({"record.every": "2, histograms=5"}).record.cadence == {"": 2, "histograms": 5}
    assert Config().updated({"record.every": "2, samples=auto"}).record.cadence == {"": 2, "samples": 0}


def test_what_was_not_said_changes_nothing() -> None:
    assert Config().updated({"train.epochs": None, "train.batch_size": None}) == Config()


def test_config_json_of_a_run_can_be_fed_back(workspace: Path) -> None:
    config = Config().updated({"train.epochs": 7, "train.save_formats": ("keras", "h5"), "train.note": "x"})
    (workspace / "config.json").write_text(json.dumps(config.as_dict()))
    assert load_config(file="config.json") == config


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
SAID = st.fixed_dictionaries(
    {},
    optional={
        "train.epochs": st.integers(1, 10**9),
        "train.learning_rate": st.floats(min_value=0, exclude_min=True, allow_infinity=False),
        "train.weight_decay": st.floats(min_value=0),
        "train.note": TEXT,
        "train.name": st.text(st.characters(categories=["L", "N"]), max_size=20).filter(
            lambda name: name not in ("latest", "best")
        ),
        "train.save_formats": st.lists(st.sampled_from(["keras", "h5", "tflite"]), unique=True).map(tuple),
        "train.deterministic": st.booleans(),
        "data.source": TEXT,
        "data.limit_samples": st.integers(0),
        "plot.smooth": st.floats(0, 1, exclude_max=True),
        "serve.window_title": TEXT,
        "serve.port": st.integers(-1, 65535),
        "paths.logdir": TEXT,
        "direction.train/nll 1": st.sampled_from(["min", "max"]),
    },
)


@given(said=SAID)
def test_what_is_printed_can_be_fed_back(workspace: Path, said: dict[str, object]) -> None:
    try:
        config = Config().updated(said)
    except ConfigError:
        return  # refused, with reason: nothing is printed
    (workspace / "printed.toml").write_text(config.as_toml())
    assert load_config(file="printed.toml", environ={}) == config
    assert set(tomllib.loads(config.as_toml())) == {key.partition(".")[0] for key in SETTINGS} | set(FREE)


def test_a_file_closed_to_us_is_an_error(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (workspace / "my.toml").write_text("")

    def closed(self: Path, **how: object) -> str:
        raise PermissionError(13, os.strerror(13), str(self))

    monkeypatch.setattr(Path, "read_text", closed)
    with pytest.raises(ConfigError, match="Permission denied"):
        load_config(file="my.toml")


def test_the_direction_of_any_metric_can_be_said_in_every_layer(workspace: Path) -> None:
    (workspace / "tbcli.toml").write_text('[direction]\nnll = "max"\n"val/nll" = "min"\neval.nll = "min"\n')
    config = load_config(assignments=["direction.nll=min"], environ={"TBCLI_DIRECTION_SCORE": "max"})
    assert config.direction == {"nll": "min", "val/nll": "min", "eval.nll": "min", "score": "max"}
    assert Config().updated({"direction.nll": "min"}).direction == {"nll": "min"}
    assert Config().direction == {}


@pytest.mark.parametrize("pair", ["direction.nll=lower", "direction.nll=", "direction.=min"])
def test_a_direction_is_min_or_max(pair: str) -> None:
    with pytest.raises(ConfigError, match="direction"):
        load_config(assignments=[pair])


def test_a_secret_is_read_from_its_variable_and_never_written_down() -> None:
    config = load_config(environ={"TBCLI_SERVE_TOKEN": "s3cret"})
    assert config.serve.token == "s3cret"
    assert "s3cret" not in config.as_toml(commented=True)
    assert config.as_dict()["serve"]["token"] == ""
