"""Measurements, each a ratio against a peer or a floor taken in the same run.

``make bench`` runs all, ``make bench BENCH="plot serve"`` some.
"""
