"""Train Keras models with TensorBoard filled, plot and serve the runs, keep the disk clean."""

__version__ = "0.1.0"
