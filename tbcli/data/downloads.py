"""Well-known images that Keras downloads once and keeps: Fashion-MNIST, CIFAR-10 and CIFAR-100."""

from __future__ import annotations

import importlib
import io
import os
import tempfile
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tbcli.config import DataConfig
from tbcli.config.paths import expanded
from tbcli.data.dataset import Dataset, cut_splits
from tbcli.data.telling import tell_progress
from tbcli.errors import DoesNotFit, TbcliError
from tbcli.keras_backend import load_keras

_FASHION = "T-shirt/top,trouser,pullover,dress,coat,sandal,shirt,sneaker,bag,ankle boot"
_CIFAR10 = "airplane,automobile,bird,cat,deer,dog,frog,horse,ship,truck"
_CIFAR100 = (
    "apple,aquarium fish,baby,bear,beaver,bed,bee,beetle,bicycle,bottle,bowl,boy,bridge,bus,butterfly,camel,can,"
    "castle,caterpillar,cattle,chair,chimpanzee,clock,cloud,cockroach,couch,crab,crocodile,cup,dinosaur,dolphin,"
    "elephant,flatfish,forest,fox,girl,hamster,house,kangaroo,keyboard,lamp,lawn mower,leopard,lion,lizard,lobster,"
    "man,maple tree,motorcycle,mountain,mouse,mushroom,oak tree,orange,orchid,otter,palm tree,pear,pickup truck,"
    "pine tree,plain,plate,poppy,porcupine,possum,rabbit,raccoon,ray,road,rocket,rose,sea,seal,shark,shrew,skunk,"
    "skyscraper,snail,snake,spider,squirrel,streetcar,sunflower,sweet pepper,table,tank,telephone,television,tiger,"
    "tractor,train,trout,tulip,turtle,wardrobe,whale,willow tree,wolf,woman,worm"
)
_SECONDS = 0.2  # between two looks at how far a download is


@dataclass(frozen=True, slots=True)
class Download:
    """One of Keras' data sets.

    Args:
        files: ``{name in Keras' cache: address}``.
        megabytes: Of all files together.
        class_names: In the order of their numbers.
    """

    files: dict[str, str]
    megabytes: int
    class_names: tuple[str, ...]


_TORONTO = "https://www.cs.toronto.edu/~kriz"
_GOOGLE = "https://storage.googleapis.com/tensorflow/tf-keras-datasets"
_FASHION_FILES = (
    "train-labels-idx1-ubyte.gz", "train-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz", "t10k-images-idx3-ubyte.gz",
)  # fmt: skip
DOWNLOADS = {
    "fashion_mnist": Download(
        {f"fashion-mnist/{file}": f"{_GOOGLE}/{file}" for file in _FASHION_FILES}, 31, tuple(_FASHION.split(","))
    ),
    "cifar10": Download(
        {"cifar-10-batches-py-target_archive": f"{_TORONTO}/cifar-10-python.tar.gz"}, 170, tuple(_CIFAR10.split(","))
    ),
    "cifar100": Download(
        {"cifar-100-python-target_archive": f"{_TORONTO}/cifar-100-python.tar.gz"}, 169, tuple(_CIFAR100.split(","))
    ),
}
"""Name, of ``--data`` and of the module in ``keras.datasets`` -> what is downloaded."""


def load_download(config: DataConfig) -> Dataset:
    """Return one of Keras' data sets of images, downloaded to Keras' cache if it is not there.

    Raises:
        DoesNotFit: It cannot be downloaded, or a file in the cache is damaged.
    """
    name = config.source
    download = DOWNLOADS[name]
    absent = [file for file in download.files if not (keras_cache() / file).exists()]
    sink = io.StringIO()  # for what Keras prints, and what a narrator would not want between its lines
    try:
        with redirect_stdout(sink):
            load_keras()
            load_data = importlib.import_module(f"keras.datasets.{name}").load_data
            train, test = _downloaded(name, load_data, absent) if absent else _read(name, load_data)
    except TbcliError:
        raise
    except Exception as error:  # Keras raises it bare where it cannot download
        raise _failure(name, error) from error
    return cut_splits(name, _as_images(*train), _as_images(*test), download.class_names, config)


def keras_cache() -> Path:
    """Return the directory where Keras keeps data: below ``$KERAS_HOME`` or ``~/.keras``, if that can be written."""
    home = expanded(os.environ.get("KERAS_HOME") or "~/.keras")
    if home.exists() and not os.access(home, os.W_OK):
        home = Path("/tmp" if os.path.isdir("/tmp") else tempfile.gettempdir()) / ".keras"  # noqa: S108, PTH112
    return home / "datasets"


def _as_images(images: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return images ``[n, height, width, channels]`` and class numbers ``[n]``."""
    channels = 1 if images.ndim == 3 else images.shape[-1]
    return np.ascontiguousarray(images.reshape(*images.shape[:3], channels)), labels.reshape(-1).astype(np.int64)


def _read(name: str, load_data: Callable[[], Any]) -> Any:
    tell_progress(f"Reading {name}")
    return load_data()


def _downloaded(name: str, load_data: Callable[[], Any], absent: Sequence[str]) -> Any:
    """Download in a thread, and tell meanwhile how far it is by the sizes of the files; telling may raise to stop.

    What was begun is then removed: Keras would take half a file for a whole one.
    """
    megabytes, paths = DOWNLOADS[name].megabytes, [keras_cache() / file for file in DOWNLOADS[name].files]
    tell_progress(f"Downloading {name} ({megabytes} MB)")
    result: Future[Any] = Future()

    def load() -> None:
        try:
            result.set_result(load_data())
        except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
            result.set_exception(error)

    threading.Thread(target=load, name="tbcli-download", daemon=True).start()
    try:
        while not wait([result], _SECONDS).done:
            done = sum(path.stat().st_size for path in paths if path.exists()) / 1e6
            tell_progress(f"Downloading {name}: {done:.0f} of {megabytes} MB")
    except BaseException:
        for file in absent:
            (keras_cache() / file).unlink(missing_ok=True)
        raise
    return result.result()


def _failure(name: str, error: Exception) -> DoesNotFit:
    """Say what came of it: a file that is still not there could not be downloaded, else one is damaged."""
    download = DOWNLOADS[name]
    first_line = (str(error) or type(error).__name__).splitlines()[0]
    places = {keras_cache() / file: address for file, address in download.files.items()}
    absent = [path for path in places if not path.exists()]
    if not absent:
        path = next(iter(places))
        return DoesNotFit(
            f"{name} in Keras' cache cannot be read: {first_line}",
            hint=f"remove {str(path.parent if len(places) > 1 else path)!r} to download it again",
        )
    by_hand = "; ".join(f"{places[path]} saved as {str(path)!r}" for path in absent)
    return DoesNotFit(f"cannot download {name}: {first_line}", hint=f"download by hand: {by_hand}")
