"""The sections of the configuration, and every setting in them, declared once."""

from __future__ import annotations

from dataclasses import dataclass

from tbcli.config.checks import (
    MOST,
    cadence_problem,
    checkpoint_problem,
    devices_problem,
    duration_problem,
    host_problem,
    hosts_problem,
    line_problem,
    name_problem,
    pairs_problem,
    parallel_problem,
    pixels_problem,
    prefix_problem,
    profile_problem,
    read_cadence,
    read_checkpoint,
    read_duration,
    read_size,
    read_steps,
    size_problem,
    token_problem,
)
from tbcli.config.recipes import RECIPES, describe_recipe
from tbcli.config.setting import Section, setting

OPTIMIZERS = ("adam", "adamw", "sgd", "rmsprop")
REPLACING = ("optimizer", "learning_rate", "schedule", "warmup", "weight_decay", "momentum")
"""The settings that replace those of a model that its function has compiled, where they are said."""
SCHEDULES = ("constant", "cosine")
PRECISIONS = ("auto", "float32", "mixed_bfloat16", "mixed_float16")
SAVE_FORMATS = ("keras", "h5", "savedmodel", "tflite")
SAVED = ("best", "last")
FIGURE_FORMATS = ("png", "svg", "pdf")
FIGURE_THEMES = ("light", "dark")
LOAD_FAST = ("auto", "true", "false")
FIRST_FREE_PORT = -1
TASK_NAMES = ("classification", "multi-label", "regression")
COLORS = ("auto", "rgb", "grey")
AUGMENTATIONS = ("flip", "rotate", "zoom", "translate", "contrast")
CACHES = ("auto", "disk", "memory", "no")
METHODS = ("grid", "random", "tpe")
PRUNERS = ("median", "hyperband")


@dataclass(frozen=True, slots=True, kw_only=True)
class DataConfig(Section):
    """Data to train on."""

    source: str = setting(
        "mnist", "Dataset: a name, a path, or FILE.py:FUNCTION.", flag="--data",
        aliases=("dataset",), panel="Data", metavar="DATA", words="tbcli.data:SOURCES", hyperparameter=True,
        locates=True,
    )  # fmt: skip
    args: tuple[str, ...] = setting(
        (), "Argument of a data function, KEY=VALUE. Repeatable.", flag="--data-arg", panel="Data", metavar="KEY=VALUE",
        problem=pairs_problem,
    )  # fmt: skip
    target: str = setting(
        "", "Column of a table to predict; several as a comma list.", flag="--target",
        aliases=("label", "label-column", "target-column"), panel="Data", metavar="COLUMN", problem=line_problem,
    )  # fmt: skip
    task: str = setting(
        "auto", "What is learnt. With auto, the targets tell.", flag="--task", panel="Data", metavar="TASK",
        choices=("auto", *TASK_NAMES),
    )  # fmt: skip
    validation_split: float = setting(
        0.1, "Share of the training samples held out for validation; 0 holds out none.", flag="--validation-split",
        aliases=("val-split", "val-size"), panel="Data", metavar="SHARE", least=0, below=1, hyperparameter=True,
    )  # fmt: skip
    test_split: float = setting(
        0.1, "Share of the samples held out for the test where the data have no test set; 0 holds out none.",
        flag="--test-split", aliases=("test-size",), panel="Data", metavar="SHARE", least=0, below=1,
        hyperparameter=True,
    )  # fmt: skip
    limit_samples: int = setting(
        0, "Use at most N training and N test samples; 0 uses all.", flag="--limit-samples",
        aliases=("max-samples", "max-train-samples"), panel="Data", metavar="N", least=0, most=MOST,
        hyperparameter=True,
    )  # fmt: skip
    image_size: str = setting(
        "", "Size that images are brought to: N or HEIGHTxWIDTH; empty chooses by the images.", flag="--image-size",
        aliases=("imgsz", "img-size"), panel="Data", metavar="SIZE", problem=pixels_problem, hyperparameter=True,
    )  # fmt: skip
    color: str = setting(
        "auto", "Channels of images. With auto, the images tell.", flag="--color", aliases=("color-mode",),
        panel="Data", metavar="COLOR", choices=COLORS,
    )  # fmt: skip
    augment: tuple[str, ...] = setting(
        (), "Random changes of training images, as a comma list.", flag="--augment", panel="Data", metavar="LIST",
        choices=AUGMENTATIONS, hyperparameter=True,
    )  # fmt: skip
    balance: bool = setting(
        False, "Weigh classes inversely to their number of training samples.", flag="--balance",
        aliases=("class-weights",), panel="Data", hyperparameter=True,
    )  # fmt: skip
    cache: str = setting(
        "auto", "Where decoded images are kept. With auto, the size decides.", flag="--cache", panel="Data",
        metavar="PLACE", choices=CACHES,
    )  # fmt: skip
    strict: bool = setting(
        False, "Fail at an image or a row that cannot be read, rather than leave it out.", flag="--strict",
        panel="Data",
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelConfig(Section):
    """The model."""

    name: str = setting(
        "auto", "Model: an architecture, FILE.py:FUNCTION, or a .keras file; `tbcli models`.", flag="--model",
        aliases=("arch", "architecture"), panel="Model", metavar="MODEL", words="tbcli.models:MODELS",
        hyperparameter=True, locates=True,
    )  # fmt: skip
    args: tuple[str, ...] = setting(
        (), "Argument of the model, KEY=VALUE. Repeatable.", flag="--model-arg", panel="Model", metavar="KEY=VALUE",
        problem=pairs_problem,
    )  # fmt: skip
    freeze: tuple[str, ...] = setting(
        (), "Layers not to train, such as 'conv*'. Repeatable.", flag="--freeze", panel="Model", metavar="GLOB"
    )
    weights: str = setting(
        "", "File of initial weights.", flag="--weights", panel="Model", metavar="PATH",
        locates=True,
    )  # fmt: skip
    dropout: float = setting(
        0.3, "Share of the penultimate features dropped in training; 0 is off.", least=0, below=1, hyperparameter=True
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig(Section):
    """Training: its length, its optimizer, and what it keeps."""

    name: str = setting(
        "", "Name of the run.", flag="--name", aliases=("run-name", "exp-name", "experiment-name"), panel="Output",
        metavar="TEXT", problem=name_problem, hyperparameter=True,
    )  # fmt: skip
    note: str = setting("", "Free-text note stored with the run.", flag="--note", panel="Output", metavar="TEXT")
    recipe: str = setting(
        "", f"Set of defaults, overruled by any other setting. With fast, {describe_recipe('fast')}.", meaning="none",
        flag="--recipe", panel="Training", metavar="NAME", choices=("", *RECIPES),
    )  # fmt: skip
    epochs: int = setting(
        5, "Number of passes over the training samples.", flag="--epochs",
        aliases=("max-epochs", "num-epochs", "n-epochs", "nb-epoch", "num-train-epochs"), panel="Training",
        metavar="N", least=1, most=1_000_000, hyperparameter=True,
    )  # fmt: skip
    batch_size: int = setting(
        128, "Batch size.", flag="--batch-size", aliases=("batch", "bs", "train-batch-size"), panel="Training",
        metavar="N", least=1, most=1_000_000, hyperparameter=True,
    )  # fmt: skip
    learning_rate: float = setting(
        2e-3, "Learning rate; the peak, where a schedule changes it.", flag="--learning-rate", aliases=("lr", "lr0"),
        panel="Training", metavar="RATE", above=0, most=1000, hyperparameter=True,
    )  # fmt: skip
    optimizer: str = setting(
        "adam", "Optimizer.", flag="--optimizer", aliases=("opt", "optim"), panel="Training", metavar="NAME",
        choices=OPTIMIZERS, hyperparameter=True,
    )  # fmt: skip
    loss: str = setting(
        "", "Loss: Keras' name or FILE.py:FUNCTION; empty is that of the task.", flag="--loss", panel="Training",
        metavar="LOSS", locates=True, words="tbcli.tasks.measures:LOSS_NAMES",
    )  # fmt: skip
    metrics: tuple[str, ...] = setting(
        (), "Further metrics, as a comma list: Keras' names or FILE.py:FUNCTION.", flag="--metrics",
        aliases=("metric",), panel="Training", metavar="LIST", locates=True,
        words="tbcli.tasks.measures:METRIC_NAMES",
    )  # fmt: skip
    schedule: str = setting(
        "cosine", "Learning rate schedule.", flag="--schedule",
        aliases=("scheduler", "lr-schedule", "lr-scheduler", "lr-scheduler-type"), panel="Training", metavar="NAME",
        choices=SCHEDULES, hyperparameter=True,
    )  # fmt: skip
    warmup: float = setting(
        0.05, "Share of all steps in which the cosine schedule rises to its peak.", least=0, most=1,
        aliases=("warmup-ratio",), hyperparameter=True,
    )  # fmt: skip
    weight_decay: float = setting(
        0.004, "Weight decay; adamw only.", least=0, most=100, aliases=("wd",), hyperparameter=True
    )
    momentum: float = setting(0.9, "Momentum; sgd only.", least=0, most=1, hyperparameter=True)
    replaces: tuple[str, ...] = setting(
        (), "What replaces that of a model that its function has compiled. Follows from what is said: "
        "`--learning-rate` replaces its rate, even by the default.", choices=REPLACING,
    )  # fmt: skip
    until: str = setting(
        "", 'Stop after the epoch in which a condition holds, such as "val_accuracy>=0.99"; `tbcli help conditions`. '
        "A cosine schedule still spans --epochs.", flag="--until", panel="Training", metavar="EXPR",
    )  # fmt: skip
    max_time: str = setting(
        "", "Stop after this much time, counted from the start of the command, such as 30m, 90s or 1h30m; 0 is off. "
        "What is trained by then is saved; the run can be resumed.", meaning="no limit", flag="--max-time",
        aliases=("time-limit",), panel="Training", metavar="TIME", problem=duration_problem,
    )  # fmt: skip
    patience: int = setting(
        0, "Stop after N epochs without improvement and keep the best weights; 0 is off.", flag="--patience",
        aliases=("early-stopping", "early-stopping-patience"), panel="Training", metavar="N", least=0,
        most=1_000_000, hyperparameter=True,
    )  # fmt: skip
    monitor: str = setting(
        "val_loss", "Metric that --patience and --save best watch.", flag="--monitor",
        aliases=("metric-for-best-model", "early-stopping-metric"), panel="Training", metavar="METRIC",
        words="tbcli.training.request:MEASURED", problem=line_problem, hyperparameter=True,
    )  # fmt: skip
    seed: int = setting(
        0, "Random seed of initial weights, order and dropout.", flag="--seed",
        aliases=("random-seed", "random-state"), panel="Training", metavar="N", least=0, most=2**32 - 1,
        hyperparameter=True,
    )  # fmt: skip
    deterministic: bool = setting(
        False, "Make training bit-for-bit reproducible (slower).", flag="--deterministic", panel="Training",
        hyperparameter=True,
    )  # fmt: skip
    precision: str = setting(
        "auto", "Precision policy. With auto, bfloat16 where it is native.", flag="--precision",
        aliases=("dtype",), panel="Model", metavar="POLICY", choices=PRECISIONS, hyperparameter=True,
    )  # fmt: skip
    steps_per_epoch: int = setting(
        0, "At most N steps per epoch; 0 is the whole set.", flag="--steps-per-epoch",
        aliases=("limit-train-batches",), panel="Training", metavar="N", least=0, most=MOST, hyperparameter=True,
    )  # fmt: skip
    steps_per_execution: int = setting(
        0,
        "Optimizer steps per call of TensorFlow, between which signals are answered; 0 chooses.",
        least=0,
        most=1_000_000,
    )
    save_formats: tuple[str, ...] = setting(
        ("keras",), "Formats to save the model in, besides keras. Repeatable.", flag="--save-format",
        panel="Output", metavar="FORMAT", choices=SAVE_FORMATS,
    )  # fmt: skip
    save: str = setting(
        "", "Weights to save, by the metric of --monitor.", meaning="last; best with --patience", flag="--save",
        panel="Output", metavar="WHICH", choices=("", *SAVED),
    )  # fmt: skip
    checkpoint_every: str = setting(
        "", "Keep the state to resume from within the epoch too, every N steps or every 10m, as long as that costs "
        "under 1 % of the time; 0 is off.",
        meaning="after an epoch, and every 5 minutes", flag="--checkpoint-every", panel="Output",
        metavar="STEPS|TIME", problem=checkpoint_problem,
    )  # fmt: skip
    keep_state: bool = setting(
        True, "Keep the last state after the end of training, so that more epochs can follow.", flag="--keep-state",
        panel="Output",
    )  # fmt: skip

    devices: str = setting(
        "1", "Devices of this machine to train on, each with its share of every batch: a number of GPUs, or auto for "
        "all of them. cpu:N cuts the CPU into N, to try it out.", flag="--devices", aliases=("gpus",),
        panel="Training", metavar="N|auto", problem=devices_problem,
    )  # fmt: skip
    workers: int = setting(
        1, "Processes of this machine to train with, each with its share of every batch; `tbcli help scale` for those "
        "of several machines.", flag="--workers", panel="Training", metavar="N", least=1,
        most=1024,
    )  # fmt: skip
    ray: str = setting(
        "", "Have Ray place the workers, of a sweep the trials: local, auto or the address of its cluster.",
        meaning="none", flag="--ray", panel="Training", metavar="ADDRESS|local", problem=line_problem,
    )  # fmt: skip
    scale_learning_rate: bool = setting(
        False, "Multiply the learning rate by the number of devices or workers.", flag="--scale-rate",
        panel="Training",
    )  # fmt: skip

    @property
    def max_seconds(self) -> float | None:
        """The seconds after which to stop, None without a limit."""
        return read_duration(self.max_time) or None

    @property
    def saves_best(self) -> bool:
        """Whether the weights of the best epoch are saved, not those of the last."""
        return self.save == "best" or (not self.save and bool(self.patience))

    @property
    def checkpoint_steps(self) -> int:
        """Optimizer steps between two states within the epoch; 0 where they do not count."""
        return read_checkpoint(self.checkpoint_every)[0]

    @property
    def checkpoint_seconds(self) -> float:
        """Seconds between two states within the epoch; 0 where they do not count."""
        return read_checkpoint(self.checkpoint_every)[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordConfig(Section):
    """What training writes for TensorBoard, and how often."""

    recorders: str = setting(
        "standard", "What to record: off, light, standard, full and/or recorders; -NAME removes. `help` lists them.",
        flag="--record", panel="Recording", metavar="LIST", words="tbcli.recorders.registry:RECORDERS",
    )  # fmt: skip
    every: str = setting(
        "auto", "Epochs between two records; NAME=N for one recorder. With auto, pictures are rarer in long runs.",
        flag="--record-every", panel="Recording", metavar="N", problem=cadence_problem,
    )  # fmt: skip
    spacing: int = setting(
        0, "With auto, least epochs between two pictures or histograms; 0 chooses by samples and parameters.", least=0,
        most=MOST,
    )  # fmt: skip
    log_every: int = setting(
        0, "Record curves within the epoch too: means over N steps; 0 is off.", flag="--log-every",
        aliases=("log-every-n-steps", "logging-steps"), panel="Recording", metavar="N", least=0, most=MOST,
    )  # fmt: skip
    profile: str = setting(
        "", "Trace these steps for the Profile dashboard, such as 20:30.", flag="--profile", panel="Recording",
        metavar="STEPS", problem=profile_problem,
    )  # fmt: skip
    projector_points: int = setting(2000, "Validation samples in the projector.", least=1, most=1_000_000)
    projector_layer: str = setting(
        "", "Layer whose output the projector shows; empty is the input of the last layer with weights."
    )
    limit_samples: int = setting(
        10_000, "Validation samples that the evidence of an epoch comes from, at most.", least=1, most=MOST
    )
    backward_every: int = setting(
        8, "Optimizer steps between two looks at gradients; every step with log_every.", least=1, most=MOST
    )
    samples: int = setting(25, "Sample predictions shown as one grid.", least=1, most=400)

    @property
    def profile_steps(self) -> tuple[int, int] | None:
        """The optimizer steps between whose ends to trace, or None when it was not asked for."""
        return read_steps(self.profile)

    @property
    def cadence(self) -> dict[str, int]:
        """Epochs between two records for each recorder named, 0 for auto; the key ``""`` holds for all others."""
        return read_cadence(self.every)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlotConfig(Section):
    """Figures: when they are drawn, and how they look."""

    automatic: bool = setting(True, "Draw figures after training.", flag="--plots", panel="Output")
    dpi: int = setting(120, "Resolution in DPI.", flag="--dpi", panel="Figure", metavar="N", least=20, most=1200)
    smooth: float = setting(
        0.0, "TensorBoard's smoothing: weight of the past; 0 is off.", flag="--smooth", aliases=("smoothing",),
        panel="Figure", metavar="WEIGHT", least=0, below=1,
    )  # fmt: skip
    format: str = setting("png", "File format of figures.", choices=FIGURE_FORMATS)
    size: str = setting(
        "", "Width by height in inches, such as 6.5x4; empty is automatic.", flag="--size", aliases=("figsize",),
        panel="Figure", metavar="WxH", problem=size_problem,
    )  # fmt: skip
    theme: str = setting(
        "light", "Colours of figures.", flag="--theme", panel="Figure", metavar="NAME", choices=FIGURE_THEMES
    )

    @property
    def inches(self) -> tuple[float, float] | None:
        """Width and height of a figure, or None when its content decides."""
        return read_size(self.size)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeConfig(Section):
    """TensorBoard: its address, and how it reads."""

    host: str = setting(
        "localhost", "Address to listen on.", flag="--host", aliases=("bind",), panel="Address", metavar="NAME",
        problem=host_problem,
    )  # fmt: skip
    port: int = setting(
        FIRST_FREE_PORT, "Port; 0 takes any free one.", meaning="6006 or the next free one", flag="--port",
        panel="Address", metavar="N", least=0, most=65535,
    )  # fmt: skip
    allow_host: tuple[str, ...] = setting(
        (), "Answer requests for this host name too, of a proxy say. Repeatable.", flag="--allow-host",
        panel="Address", metavar="NAME", problem=hosts_problem,
    )  # fmt: skip
    token: str = setting(
        "", "Ask visitors for this token; without TEXT one is made up. Other accounts see it in the list of "
        "processes, unlike TBCLI_SERVE_TOKEN.", meaning="none; made up beyond loopback", flag="--token",
        panel="Address", metavar="[TEXT]", bare="auto", secret=True, problem=token_problem,
    )  # fmt: skip
    insecure: bool = setting(
        False, "Serve beyond loopback without a token.", flag="--insecure", panel="Address",
    )  # fmt: skip
    reload_interval: float = setting(
        2.0, "Seconds between two looks for new data.", flag="--reload-interval", aliases=("reload",),
        panel="TensorBoard", metavar="SECONDS", above=0, most=86_400,
    )  # fmt: skip
    load_fast: str = setting(
        "auto", "Whether to use TensorBoard's fast reader.", flag="--load-fast", panel="TensorBoard", metavar="WHEN",
        choices=LOAD_FAST,
    )  # fmt: skip
    path_prefix: str = setting(
        "", "Serve below this path, behind a proxy.", flag="--path-prefix", panel="Address", metavar="/PATH",
        problem=prefix_problem,
    )  # fmt: skip
    window_title: str = setting(
        "", "Title of the browser window.", flag="--window-title", panel="TensorBoard", metavar="TEXT"
    )
    without_tensorflow: bool = setting(True, "Start without importing TensorFlow where that loses nothing.")
    timeout_seconds: float = setting(60.0, "Seconds to wait for the first answer.", above=0, most=86_400)


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanConfig(Section):
    """The trash, to which clean moves runs."""

    trash_days: float = setting(
        7.0, "Days in the trash, after which the next clean removes a run for good; 0 removes at once.", least=0,
        most=36_500,
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepConfig(Section):
    """Sweeps: which trials there are, and how they are run."""

    method: str = setting(
        "grid", "How trials are chosen. Optuna chooses for tpe, from what earlier trials reached.", flag="--method",
        panel="Sweep", metavar="NAME", choices=METHODS,
    )  # fmt: skip
    trials: int = setting(
        0, "Number of combinations of settings to try.", meaning="all of a grid, else 20", flag="--trials",
        aliases=("n-trials", "num-trials"), panel="Sweep", metavar="N", least=0, most=100_000,
    )  # fmt: skip
    seeds: int = setting(
        1, "Trials of each combination: they differ only in their seed.", flag="--seeds", aliases=("repeats",),
        panel="Sweep", metavar="K", least=1, most=1000,
    )  # fmt: skip
    metric: str = setting(
        "", "Metric to judge trials by: its last value, or NAME.best.", meaning="that of --monitor", flag="--metric",
        aliases=("objective",), panel="Sweep", metavar="METRIC", words="tbcli.training.request:MEASURED",
        problem=line_problem,
    )  # fmt: skip
    prune: str = setting(
        "", "Stop trials that lag behind others at the same epoch; with Optuna.", meaning="none", flag="--prune",
        aliases=("pruner",), panel="Sweep", metavar="NAME", choices=("", *PRUNERS),
    )  # fmt: skip
    parallel: str = setting(
        "auto", "Number of trials at once. With auto, cores and memory decide.", flag="--parallel",
        aliases=("jobs", "n-jobs"), panel="Sweep", metavar="P|auto", problem=parallel_problem,
    )  # fmt: skip
    max_time: str = setting(
        "", "Begin no trial, and stop those that run, after this much time, such as 30m or 12h. --resume goes on.",
        meaning="no limit", flag="--max-time", aliases=("timeout",), panel="Sweep", metavar="TIME",
        problem=duration_problem,
    )  # fmt: skip
    retry: int = setting(
        0, "Begin a trial that failed again, at most N times.", flag="--retry", aliases=("retries",), panel="Sweep",
        metavar="N", least=0, most=100,
    )  # fmt: skip

    @property
    def max_seconds(self) -> float | None:
        """The seconds after which to stop, None without a limit."""
        return read_duration(self.max_time) or None
