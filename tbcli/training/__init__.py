"""From a configuration to a finished run."""

from tbcli.training.narration import Narrator
from tbcli.training.session import train

__all__ = ["Narrator", "train"]
