"""What training leaves in TensorBoard: a recorder knows what, the writer where, the callback when."""
