"""What things are called: every tag that is written, run and tag as a metric, its direction, and words that match."""
