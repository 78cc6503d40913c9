"""What is measured inside the training step, and what the layers answer: taps on a compiled model."""
