"""Small training scripts in the manner of public Keras examples, which know nothing of us; each prints its weights.

They are run as they are, and with our callback added to each `fit`: see `run_script`.
"""

from __future__ import annotations

import contextlib
import io
import runpy
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

HERE = Path(__file__).parent
SCRIPTS = sorted(path.stem for path in HERE.glob("*.py") if path.stem != "__init__")


def run_script(name: str, words: Sequence[str] = (), make_callback: Callable[[], Any] | None = None) -> str:
    """Run a script in this process; return what it says of its weights.

    Args:
        name: Without suffix.
        words: Its arguments.
        make_callback: Makes one for each `fit`, which then has it as the last one.
    """
    import keras

    keras.utils.clear_session()  # names of layers are counted anew
    fit = keras.Model.fit

    def recorded(model: Any, *args: Any, callbacks: Any = None, **kwargs: Any) -> Any:
        return fit(model, *args, callbacks=[*(callbacks or []), make_callback()], **kwargs)  # type: ignore[misc]

    path = HERE / f"{name}.py"
    with contextlib.ExitStack() as stack:
        said = stack.enter_context(contextlib.redirect_stdout(io.StringIO()))
        stack.enter_context(mock.patch.object(sys, "argv", [str(path), *words]))
        if make_callback:
            stack.enter_context(mock.patch.object(keras.Model, "fit", recorded))
        runpy.run_path(str(path), run_name="__main__")
    return said.getvalue().splitlines()[-1]
