"""Numbers become figures; matplotlib is loaded only when there is something to draw."""

from tbcli.figures.kinds import LEFT_BY_TRAINING, chosen_kinds, wants_what_there_is
from tbcli.figures.pictures import Album, Picture, plot_kinds, plot_runs

__all__ = ["LEFT_BY_TRAINING", "Album", "Picture", "chosen_kinds", "plot_kinds", "plot_runs", "wants_what_there_is"]
