"""What is wrong with this machine, a log directory or a training, and the command that mends it."""
