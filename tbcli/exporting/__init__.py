"""Numbers leave as files that other programs read: CSV, JSON, Parquet, and slimmed event files."""

from tbcli.exporting.copies import Copy, copy_places
from tbcli.exporting.forms import FORMS, TENSORBOARD, Table, chosen_form, read_places, write_table

__all__ = ["FORMS", "TENSORBOARD", "Copy", "Table", "chosen_form", "copy_places", "read_places", "write_table"]
