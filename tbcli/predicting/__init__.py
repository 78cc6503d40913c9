"""What a run's saved model says of data: of its own test set, of other data, of single files."""
