"""From a configuration, or from a run that stopped, to a finished run."""

from tbcli.training.narration import Narrator
from tbcli.training.session import resume, train

__all__ = ["Narrator", "resume", "train"]
