"""In which epochs a recorder has its turn: a function of the epoch, of samples and parameters, never of the clock."""

from __future__ import annotations

from tbcli.config import RecordConfig

EVERY_EPOCH_UNTIL = 20
_WORK = 4_500_000_000
"""Samples times parameters to train between two pictures: some 3 CPU seconds of a small convolutional network."""

_MOST = 1_000_000  # no training has more epochs


def choose_spacing(samples: int, parameters: int) -> int:
    """Return the epochs between two pictures at least: more than one where an epoch is soon over.

    Args:
        samples: To train on, per epoch.
        parameters: Of the model.
    """
    return min(_MOST, _round_up(-(-_WORK // max(1, samples * parameters))))


class Cadence:
    """When the recorders of a run have their turn; the last epoch, which nobody knows beforehand, is everyone's.

    Args:
        config: A number of epochs for all recorders, or for one; for all others each epoch, but pictures and histograms
            in the first one and then as `is_for_pictures` says.
    """

    def __init__(self, config: RecordConfig) -> None:
        self._epochs = config.cadence
        self._spacing = max(1, config.spacing)

    def includes(self, recorder: str, epoch: int, *, is_spaced: bool) -> bool:
        """Say whether a recorder has its turn.

        Args:
            recorder: Its name.
            epoch: Counted from 1.
            is_spaced: Whether it makes pictures or histograms.
        """
        every = self._epochs.get(recorder, self._epochs[""])
        if every:
            return epoch % every == 0
        return not is_spaced or self.is_for_pictures(epoch)

    def is_for_pictures(self, epoch: int) -> bool:
        """Say whether an epoch has pictures where nothing else was asked for.

        Up to epoch 20 each one has, up to 40 every 2nd, up to 100 every 5th, up to 200 every 10th and so on; but never
        more often than the spacing allows.
        """
        return epoch == 1 or epoch % max(self._spacing, _round_up(-(-epoch // EVERY_EPOCH_UNTIL))) == 0


def _round_up(number: int) -> int:
    """Return the next of 1, 2, 5, 10, 20, 50, ..."""
    digits = int("1" + "0" * (len(str(max(1, number))) - 1))
    return next(digits * leading for leading in (1, 2, 5, 10) if digits * leading >= number)
