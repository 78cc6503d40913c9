"""``tbcli train``: trains, records, saves; stdout is the run id."""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import Annotated

import typer

from tbcli.cli.check import check_trained, settle_gates
from tbcli.cli.options import Common, with_common_options
from tbcli.cli.output import Output, counted_bytes, counted_seconds, printable, stdout_kept_clean
from tbcli.config import OPTIMIZERS, PRECISIONS, SAVE_FORMATS, SCHEDULES, Config
from tbcli.errors import ConfigError
from tbcli.runs import Run

D = Config()  # for the defaults that help shows
DATA, MODEL, TRAINING, RECORDING, OUTPUT = "Data", "Model", "Training", "Recording", "Output"


@with_common_options
def train(
    common: Common,
    *,
    data: Annotated[
        str | None, typer.Option(metavar="NAME", help=f"What to learn from ({D.data.source}).", rich_help_panel=DATA)
    ] = None,
    validation_split: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE",
            help=f"Share of the training samples held out; 0 is none ({D.data.validation_split}).",
            rich_help_panel=DATA,
        ),
    ] = None,
    limit_samples: Annotated[
        int | None,
        typer.Option(metavar="N", help="Use only N training and at most N test samples.", rich_help_panel=DATA),
    ] = None,
    model: Annotated[
        str | None, typer.Option(metavar="NAME", help=f"What learns ({D.model.name}).", rich_help_panel=MODEL)
    ] = None,
    precision: Annotated[
        str | None,
        typer.Option(
            metavar="POLICY", help=f"{', '.join(PRECISIONS)}; auto: bfloat16 where it is native.", rich_help_panel=MODEL
        ),
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option(
            metavar="N", help=f"Passes over the training samples ({D.train.epochs}).", rich_help_panel=TRAINING
        ),
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(metavar="N", help=f"Samples a step ({D.train.batch_size}).", rich_help_panel=TRAINING)
    ] = None,
    learning_rate: Annotated[
        float | None,
        typer.Option(
            metavar="RATE",
            help=f"Size of the steps; of a schedule, its peak ({D.train.learning_rate}).",
            rich_help_panel=TRAINING,
        ),
    ] = None,
    optimizer: Annotated[
        str | None,
        typer.Option(metavar="NAME", help=f"{', '.join(OPTIMIZERS)} ({D.train.optimizer}).", rich_help_panel=TRAINING),
    ] = None,
    schedule: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help=f"Course of the learning rate: {', '.join(SCHEDULES)} ({D.train.schedule}).",
            rich_help_panel=TRAINING,
        ),
    ] = None,
    patience: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Stop after N epochs without a better val_loss and keep the best weights; 0 is off.",
            rich_help_panel=TRAINING,
        ),
    ] = None,
    steps_per_epoch: Annotated[
        int | None,
        typer.Option(metavar="N", help="At most N steps an epoch; 0 is the whole set.", rich_help_panel=TRAINING),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            metavar="N", help=f"Decides initial weights, order and dropout ({D.train.seed}).", rich_help_panel=TRAINING
        ),
    ] = None,
    deterministic: Annotated[
        bool | None,
        typer.Option(
            "--deterministic/--no-deterministic", help="Bit for bit the same again; slower.", rich_help_panel=TRAINING
        ),
    ] = None,
    record: Annotated[
        str | None,
        typer.Option(
            metavar="LIST",
            help=f"off, light, standard, full and/or names; -name removes; help lists ({D.record.recorders}).",
            rich_help_panel=RECORDING,
        ),
    ] = None,
    record_every: Annotated[
        str | None,
        typer.Option(
            metavar="N", help="Epochs between two records; NAME=N for one recorder.", rich_help_panel=RECORDING
        ),
    ] = None,
    log_every: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="Curves within the epoch too: the mean of each N steps.", rich_help_panel=RECORDING
        ),
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option(
            metavar="START:STOP", help="Trace these steps for the Profile dashboard.", rich_help_panel=RECORDING
        ),
    ] = None,
    name: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Call the run something.", rich_help_panel=OUTPUT)
    ] = None,
    note: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Say what it is for.", rich_help_panel=OUTPUT)
    ] = None,
    save_format: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FORMAT",
            help=f"Save as {', '.join(SAVE_FORMATS)}; repeatable, .keras always.",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    plots: Annotated[
        bool | None, typer.Option("--plots/--no-plots", help="Leave figures behind.", rich_help_panel=OUTPUT)
    ] = None,
    audit: Annotated[
        bool,
        typer.Option(
            "--audit", help="Check at the end that every dashboard shows what was recorded.", rich_help_panel=OUTPUT
        ),
    ] = False,
    check: Annotated[
        list[str] | None,
        typer.Option(
            metavar="EXPR",
            help='Leave with 7 unless the run reached this: "val_accuracy.best>=0.98". Repeatable.',
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    print_config: Annotated[
        bool,
        typer.Option(
            "--print-config", help="Print the settled configuration as TOML and stop.", rich_help_panel=OUTPUT
        ),
    ] = False,
) -> None:
    """Train a model with TensorBoard filled, and keep the run."""
    config = common.settle(
        {
            "data.source": data,
            "data.validation_split": validation_split,
            "data.limit_samples": limit_samples,
            "model.name": model,
            "train.precision": precision,
            "train.epochs": epochs,
            "train.batch_size": batch_size,
            "train.learning_rate": learning_rate,
            "train.optimizer": optimizer,
            "train.schedule": schedule,
            "train.patience": patience,
            "train.steps_per_epoch": steps_per_epoch,
            "train.seed": seed,
            "train.deterministic": deterministic,
            "record.recorders": None if record == "help" else record,
            "record.every": record_every,
            "record.log_every": log_every,
            "record.profile": profile,
            "train.name": name,
            "train.note": note,
            "train.save_formats": save_format or None,
            "plot.automatic": plots,
        }
    )
    output = common.output
    if record == "help":
        output.results(_recorder_lines(config))
        return
    if print_config:
        output.result(config.as_toml().rstrip())
        return

    from tbcli.training.session import check_request

    gates = settle_gates(check or ())
    check_request(config)
    if config.record.profile_steps and find_spec("xprof") is None:
        output.say("The trace is written; to see it, TensorBoard needs the extra: pip install 'tbcli[profile]'")
    with stdout_kept_clean():
        run = _train(config, output)
    _summarize(run, config, output)
    try:
        output.result(run.id)
    except ConfigError as error:
        raise ConfigError(f"{error.message}; the run is {run.id}", hint=error.hint) from None
    try:
        if gates:
            check_trained(run, gates, output)
    finally:  # the one says nothing of the other
        if audit:
            _audit(run, config, output)


def _train(config: Config, output: Output) -> Run:
    hush_libraries(verbose=output.verbose)
    from tbcli.cli.progress import choose_narrator
    from tbcli.training import train as train_model

    narrator = choose_narrator(output)
    try:
        return train_model(config, narrator)
    finally:
        narrator.close()


def hush_libraries(*, verbose: bool) -> None:
    """Keep TensorFlow's start-up chatter off the terminal unless it was asked for; before TensorFlow is imported."""
    if verbose:
        return
    import logging
    import warnings

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    logging.getLogger("absl").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module=r"(keras|tensorflow|numpy)\b")


def _summarize(run: Run, config: Config, output: Output) -> None:
    """Tell what came of it, where it is and what to do next."""
    recording = run.record.get("recording") or {}
    accuracy, seconds = run.metric("test_accuracy"), float(run.record.get("seconds") or 0)
    if accuracy is not None:
        output.say(f"test accuracy {accuracy:.2%}, after {counted_seconds(seconds)} in all")
    else:
        output.say(f"done after {counted_seconds(seconds)}")
    if recording.get("percent") is not None:
        written = counted_bytes(sum((recording.get("bytes") or {}).values()))
        output.say(f"recording cost {recording['percent']:.1f} % of the training time, {written}")
    output.say(f"logs    {printable(str(run.logs))}")
    saved, epochs = run.record.get("saved_epoch"), run.record.get("epochs")
    of_best = f" (weights of epoch {saved}, the best of {epochs})" if config.train.patience else ""
    output.say(f"model   {printable(str(run.saved_model))}{of_best}")
    if config.plot.automatic and any(run.plots.glob("*")):
        output.say(f"plots   {printable(str(run.plots))}")
    output.say("next    tbcli serve")
    output.say(f"        tbcli plot {run.id}")


def _audit(run: Run, config: Config, output: Output) -> None:
    """Tell what each dashboard holds.

    Raises:
        CheckFailed: A promise is not kept.
    """
    from tbcli.cli.auditing import audit_lines, tell_gaps
    from tbcli.serving.audit import audit_runs

    output.say(f"Auditing {run.id}")
    with stdout_kept_clean():
        audit = audit_runs(config.serve, [run], verbose=output.verbose)
    for line in audit_lines(audit):
        output.say(line)
    tell_gaps(audit, output)


def _recorder_lines(config: Config) -> list[str]:
    """Return the recorders with level, help and, where a run here has measured it, cost an epoch."""
    from tbcli.cli.output import padded
    from tbcli.recorders.registry import known_recorders
    from tbcli.runs import RunStore

    runs = [run for run in RunStore(config.paths).list() if (run.record.get("recording") or {}).get("milliseconds")]
    spent = runs[-1].record["recording"]["milliseconds"] if runs else {}
    epochs = max(1, int(runs[-1].record.get("epochs") or 1)) if runs else 1
    rows = [["recorder", "level", "ms/epoch", "what it shows"]]
    for name, entry in known_recorders().items():
        rows.append([name, entry.level, f"{spent[name] / epochs:.1f}" if name in spent else "-", entry.help])
    return padded(rows, right=frozenset({2}))
