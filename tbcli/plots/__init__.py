"""Numbers become figures; matplotlib is loaded only when there is something to draw."""

from tbcli.plots.pictures import Picture, plot_run, plot_runs

__all__ = ["Picture", "plot_run", "plot_runs"]
