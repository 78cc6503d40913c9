"""Files of a run, or of any log directory, become numbers; nothing here needs TensorFlow."""

from tbcli.events.damage import Damage
from tbcli.readers.cache import cache_bytes, clear_cache
from tbcli.readers.events import LogContent, open_logdir, read_scalars
from tbcli.readers.series import Scalars, Series

__all__ = ["Damage", "LogContent", "Scalars", "Series", "cache_bytes", "clear_cache", "open_logdir", "read_scalars"]
