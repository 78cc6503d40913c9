"""The texts of the text plugin, as ``tbcli runs PATH --text`` shows them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tbcli.cli.output import Output, padded, printable
from tbcli.cli.render.damage import warn_of_damage
from tbcli.errors import NotFound
from tbcli.events.damage import located
from tbcli.naming import schemas
from tbcli.readers import open_logdir

if TYPE_CHECKING:
    from tbcli.readers.documents import Text
    from tbcli.runs import LogDirectory, Run


def show_texts(place: Run | LogDirectory, output: Output, *, as_json: bool, cache: bool, verify: bool) -> None:
    """Write the texts below a directory, each under its run, tag and step; or one JSON document.

    Raises:
        NotFound: There are no texts.
    """
    content = open_logdir(place.logs, cache=cache, verify=verify)
    documents = content.documents()
    damage = dict.fromkeys(located((*content.damage, *documents.damage), place.logs))
    warn_of_damage(output, damage)
    if not documents.texts:
        raise NotFound(f"no texts in {str(place.logs)!r}", hint="`tbcli runs PATH` lists what a log directory holds")
    texts = sorted(documents.texts, key=lambda text: (text.run, text.tag))  # of one tag in the order of writing
    if as_json:
        output.document({"schema": schemas.OTHERS, "texts": [_document(text) for text in texts]})
    else:
        output.results(list(_lines(texts)))


def _lines(texts: list[Text]) -> Iterator[str]:
    for number, text in enumerate(texts):
        if number:
            yield ""
        yield from padded([["RUN", "TAG", "STEP"], [printable(text.run), printable(text.tag), str(text.step)]])
        for cell in text.texts:
            yield from (f"  {printable(line)}".rstrip() for line in cell.splitlines() or [""])


def _document(text: Text) -> dict[str, object]:
    return {
        "run": text.run,
        "tag": text.tag,
        "step": text.step,
        "wall_time": text.wall_time,
        "texts": list(text.texts),
    }
