"""Finding names: the one glob matcher of all commands, and the one "did you mean"."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import TypeVar

Item = TypeVar("Item")

_WILD = "*?["
_SHORTEST_PART = 3  # letters a word needs before names that merely contain it are proposed
_MOST_LISTED = 12
_LONGEST_LIST = 140  # characters: two lines of a terminal, with what stands before them

# What other tools and people call things. Each line is one idea: any of its words may be what is known here.
_SAME_IDEA = (
    "accuracy acc top1 categorical_accuracy sparse_categorical_accuracy",
    "loss cost objective nll cross_entropy crossentropy xent",
    "learning_rate lr learningrate lrate learn_rate lr_rate step_size eta0 learning_rate_init",
    "batch_size batch bs batchsize per_device_train_batch_size minibatch_size mini_batch_size",
    "epochs epoch max_epochs num_epochs n_epochs nb_epochs num_train_epochs nepochs total_epochs ep",
    "step steps iteration iterations iter iters global_step max_steps num_steps",
    "optimizer optim opt optimiser",
    "weight_decay wd l2 decay",
    "seed random_seed random_state manual_seed rng",
    "model model.name arch architecture network net backbone",
    "data data.source dataset datasets train_data data_dir data_path source",
    "device gpu gpus cuda accelerator devices",
    "precision dtype amp mixed_precision fp16 bf16",
    "schedule scheduler lr_scheduler lr_schedule lr_scheduler_type",
    "patience early_stopping early_stop early_stopping_patience",
    "monitor metric metric_for_best_model watch",
    "workspace output_dir out_dir save_dir root project default_root_dir",
    "logs logdir log_dir logging_dir tensorboard_dir tb_dir",
    "validation val_split validation_split val_fraction valid",
    "name run_name experiment exp_name experiment_name",
    "gradients grads gradient grad",
    "confusion confusion_matrix cm",
    "samples images examples predictions",
    "embedding embeddings projector tsne pca",
    "histograms histogram hist weights",
    "duration seconds time elapsed runtime",
    "size bytes disk",
    "started start created date",
    "mae mean_absolute_error l1",
    "mse mean_squared_error",
    "rmse root_mean_squared_error",
    "f1 f1_score fscore",
    "auc auroc roc_auc",
    "reward return ep_rew_mean episode_reward episodic_return",
    "perplexity ppl",
    "map mean_average_precision map50",
    "iou miou jaccard mean_iou",
)


def is_glob(word: str) -> bool:
    """Say whether a word has wildcards: ``*``, ``?`` or ``[``."""
    return any(sign in word for sign in _WILD)


def fits(pattern: str, names: Iterable[str], paths: Iterable[str] = (), *, any_case: bool = True) -> bool:
    """Say whether a word or a glob names something.

    Args:
        pattern: A name or path as it stands, or a glob. Without ``/`` a glob is compared with the names that have no
            ``/`` either; with one, with the paths and the names that have one.
        names: What the thing is called.
        paths: Its full names, as ``run/tag``.
        any_case: Whether ``loss`` fits ``Loss``.
    """
    names, paths = tuple(names), tuple(paths)
    fold = str.lower if any_case else str
    if any(fold(pattern) == fold(known) for known in (*names, *paths)):
        return True
    compared = (*names, *paths) if "/" in pattern else [name for name in names if "/" not in name]
    return is_glob(pattern) and any(fits_glob(pattern, known, any_case=any_case) for known in compared)


def fits_glob(pattern: str, text: str, *, any_case: bool = True) -> bool:
    """Say whether a glob covers the whole of a text; ``*`` goes across ``/``."""
    return fnmatchcase(text.lower(), pattern.lower()) if any_case else fnmatchcase(text, pattern)


def matches(patterns: Sequence[str], names: Collection[str], run: str, tag: str, *, any_case: bool = True) -> bool:
    """Say whether one of the patterns fits a series; no patterns fit every series.

    A word is a name, the tag or ``run/tag``. A glob with ``/`` is compared with those; without one, with the metric's
    own name in whatever run it is: the canonical name, others without ``/``, the tag, and the last parts of the tag.

    Args:
        patterns: As ``loss``, ``*loss``, ``train/gradients/*``.
        names: What it is called, its canonical name first; others may begin with the run.
        run: The directory of its event files, ``.`` for the log directory itself.
        tag: As written in them.
        any_case: Whether ``loss`` fits ``Loss``.
    """
    paths = (*names, tag, tag if run in (".", "") else f"{run}/{tag}")
    return not patterns or any(
        any(fits_glob(pattern, own, any_case=any_case) for own in _own_names(names, tag))
        if is_glob(pattern) and "/" not in pattern and pattern not in paths
        else fits(pattern, (), paths, any_case=any_case)
        for pattern in patterns
    )


def _own_names(names: Collection[str], tag: str) -> Iterator[str]:
    yield from (name for place, name in enumerate(names) if place == 0 or "/" not in name)  # the first has no run
    parts = tag.split("/")
    yield from ("/".join(parts[start:]) for start in range(len(parts)))


def pick(
    patterns: Sequence[str], items: Sequence[Item], called: Callable[[Item], tuple[Collection[str], str, str]]
) -> list[Item]:
    """Return the items that the patterns choose, in their own order; no patterns choose all of them.

    A pattern that fits some in its own case chooses only those; else the case does not matter.

    Args:
        patterns: See `matches`.
        items: What to choose from.
        called: Returns names, run and tag of an item; see `matches`.
    """
    chosen: set[int] = set() if patterns else set(range(len(items)))
    known = [called(item) for item in items]
    for pattern in patterns:
        for any_case in (False, True):
            found = {i for i, names in enumerate(known) if matches([pattern], *names, any_case=any_case)}
            if found:
                break
        chosen |= found
    return [item for position, item in enumerate(items) if position in chosen]


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the known name that was probably meant, or ``""``.

    In this order: the same name in another spelling (case, ``-`` for ``_``), what others call it (``lr`` for
    ``learning_rate``), a name that begins with the word, one that contains it, one that is spelt much alike.
    """
    names = list(dict.fromkeys(known))
    plain = {name: _plain(name) for name in names}
    spellings = list(_spellings(_plain(word)))
    for spelling in spellings:
        same = [name for name in names if plain[name] == spelling or _last_part(name) == spelling]
        if same:
            return min(same, key=len)
    for spelling in spellings[:1] if len(word) >= _SHORTEST_PART else ():
        holding = [name for name in names if spelling in plain[name]]
        if holding:
            return min(holding, key=lambda name: _rank(name, plain[name], spelling))
    return _alike(spellings, plain)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ``"did you mean 'x'?"`` for the nearest known name, else the first few of those known."""
    names = list(dict.fromkeys(known))
    guess = nearest(word, names)
    return f"did you mean {guess!r}?" if guess else f"known: {listed(names)}"


def listed(names: Sequence[str]) -> str:
    """Return names with commas between; of many the first few "and 992 more", so that a message stays short."""
    if not names:
        return "none"
    shown: list[str] = []
    for name in names[:_MOST_LISTED]:
        if sum(map(len, shown)) + len(name) > _LONGEST_LIST and shown:
            break
        shown.append(name if len(name) <= _LONGEST_LIST else f"{name[: _LONGEST_LIST // 2]}…")
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more:,} more" if more else "")


def _plain(name: str) -> str:
    return re.sub(r"[\s\-_]+", "_", name.strip().lower().lstrip("-"))


def _last_part(name: str) -> str:
    return _plain(re.split(r"[./]", name)[-1])


@lru_cache(maxsize=1)
def _kin() -> dict[str, tuple[str, ...]]:
    """Return ``{word: the other words of its ideas}``."""
    kin: dict[str, tuple[str, ...]] = {}
    for words in map(str.split, _SAME_IDEA):
        for word in words:
            kin[word] = (*kin.get(word, ()), *(other for other in words if other != word))
    return kin


def _spellings(word: str) -> Iterator[str]:
    """Yield the word, then what others might call it: as a whole, then without or with another word for its split."""
    from tbcli.naming.words import SPLITS

    kin = _kin()
    yield word
    yield from kin.get(word, ())
    first, _, rest = word.replace("/", "_").replace(".", "_").partition("_")
    if rest and first in SPLITS:
        prefix = {"train": "", "validation": "val_", "test": "test_"}[SPLITS[first].split]
        yield from (prefix + other for other in (rest, *kin.get(rest, ())))
    parts = word.split("_")
    for position, part in enumerate(parts):
        for other in kin.get(part, ())[:1] if len(parts) > 1 else ():
            yield "_".join([*parts[:position], other, *parts[position + 1 :]])


def _rank(name: str, plain: str, word: str) -> tuple[bool, bool, int, int]:
    begins = plain.startswith(word) or _last_part(name).startswith(word)
    return not plain.startswith(word), not begins, name.count("/"), len(name)


def _alike(spellings: Sequence[str], plain: dict[str, str]) -> str:
    from difflib import get_close_matches

    by_letters: dict[str, str] = {}
    for name, letters in plain.items():
        by_letters.setdefault(letters, name)
    for name in plain:
        by_letters.setdefault(_last_part(name), name)
    for spelling in spellings:
        close = get_close_matches(spelling, by_letters, n=1)
        if close:
            return by_letters[close[0]]
    return ""
