"""Taps on a compiled model: measurements inside the training step, and layer outputs."""
