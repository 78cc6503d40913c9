"""Exact resume: the state that a training leaves, and what is asked and changed before one goes on from it."""
