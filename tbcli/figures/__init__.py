"""Numbers become figures; matplotlib is loaded only when there is something to draw."""

from tbcli.figures.kinds import LEFT_BY_TRAINING, chosen_kinds, skips_missing
from tbcli.figures.pictures import Picture, PlotResult, plot_curves, plot_kinds

__all__ = ["LEFT_BY_TRAINING", "Picture", "PlotResult", "chosen_kinds", "plot_curves", "plot_kinds", "skips_missing"]
