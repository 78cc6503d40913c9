"""Every tag that tbcli writes, spelt once: recorders write them; readers, chart layouts and the audit ask for them.

A name that ends in ``_`` or ``/`` is how a family of tags begins: ``EPOCH + "loss"``, ``GRADIENTS + "dense"``.
"""

# Scalars. The directory says the split: ``validation`` has its own ``epoch_loss``.
EPOCH = "epoch_"  # one point per epoch
BATCH = "batch_"  # one point per so many optimizer steps; also in front of GRADIENTS and UPDATES
TEST = "test_"  # one point, of the saved model
MACRO_F1 = "macro_f1"  # of the saved model
MICRO_F1 = "micro_f1"  # the same
LEARNING_RATE = "learning_rate"
STEPS_PER_SECOND = "steps_per_second"
GRADIENTS = "gradients/"  # norms by layer; as histograms by variable
UPDATES = "updates/"
DEAD_UNITS = "dead_units/"
NORM_OF_ALL = "global_norm"  # behind GRADIENTS, where else the name of a layer stands
GLOBAL_NORM = GRADIENTS + NORM_OF_ALL
SYSTEM = "system/"
CPU_PERCENT, GPU_MEMORY = "cpu_percent", "gpu_memory_mb"
MEMORY, PEAK_MEMORY = "memory_mb", "peak_memory_mb"
BAND = "sweep/"  # in the summary of a sweep, over the runs of a group: in front of a metric
MEAN, LOWER, UPPER = "mean", "lower", "upper"  # behind it, and a slash
BAND_RUNS = BAND + "runs"

# Histograms.
WEIGHTS = "weights/"
ACTIVATIONS = "activations/"

# Images, and the texts beside them.
CLASS_BALANCE = "data/class_balance"
LABEL_BALANCE = "data/label_balance"
LABELS_PER_SAMPLE = "data/labels_per_sample"
TARGETS = "data/targets"
DATA_STATISTICS = "data/statistics"
DATA_PIXELS = "data/pixels"
SAMPLES = "samples/"
SAMPLE_PREDICTIONS = SAMPLES + "predictions"
CONFUSION = "confusion/"
CONFUSION_OF_TEST = CONFUSION + TEST
COUNTS, NORMALISED, LABELS = "counts", "normalised", "labels"  # behind either of the two
REGRESSION = "regression/"
REGRESSION_OF_TEST = REGRESSION + TEST
PREDICTED_VS_TRUE, RESIDUALS = "predicted_vs_true", "residuals"  # behind either of the two
MISTAKES = "mistakes/"
KERNELS = "kernels/"
ATTENTION = "attention/"
GRAD_CAM = "grad_cam"  # behind ATTENTION, where else the name of a layer stands
PR_CURVES = "pr_curves/"

# Texts.
RUN_MODEL = "run/model"
RUN_CONFIGURATION = "run/configuration"
RUN_ENVIRONMENT = "run/environment"
RUN_NOTE = "run/note"
REPORT_OF_VALIDATION = "run/report_validation"
REPORT_OF_TEST = "run/report_test"
SWEEP_GROUPS = "sweep/groups"

# Graphs and vectors.
TRAIN_STEP = "train_step"
FEATURES = "features"

# Names of ours for what TensorBoard shows without a tag: the audit reads them, the registry promises them.
RUN_GRAPH = "run_graph"
OP_GRAPH = "op_graph/"
CONCEPTUAL_GRAPH = "conceptual_graph/"
SESSION = "session/"
SESSION_METRIC = "metric/"
