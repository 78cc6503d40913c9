"""Painters: a scene of curves becomes a figure of matplotlib's, or lines of characters."""
