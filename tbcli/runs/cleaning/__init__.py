"""Which runs and wreckage may go, and how they go: into the trash, back from it, or for good."""
