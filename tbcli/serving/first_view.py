"""What a person sees first: loss and accuracy pinned, unsmoothed, one colour for each run.

TensorBoard's page takes its state from the query of its address. A browser that comes to ``/`` for the first time is
sent to the prepared view; a cookie remembers that, so that from then on ``/`` is TensorBoard's own.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import urllib.parse
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tbcli.naming import tags
from tbcli.naming.judges import MEASURED, judge_of

if TYPE_CHECKING:
    from tbcli.naming.series import Identity, Seen

Tags = Mapping[str, Collection[str]]
"""``{TensorBoard's name of a directory: its scalar tags}``."""
TAGS_PATH = "plugin/scalars/tags"

_OURS = tuple(f"{tags.EPOCH}{name}" for name in ("loss", *map(judge_of, MEASURED)))
_PANELS = (("loss",), ("accuracy", "acc"))
_MOST_PINS = 4
_FIRST_PART = r"^([^/]+)"
_COOKIE_SECONDS = 365 * 86_400


def view_query(shown: Tags) -> str:
    """Return the query of the prepared view, without its question mark; ``""`` where there is no scalar to show."""
    if not any(shown.values()):
        return ""
    pins, colour_group = _prepared(shown)
    cards = [{"plugin": "scalars", "tag": tag} for tag in pins]
    query = {"smoothing": "0", "runColorGroup": f"regex:{colour_group}"}
    if cards:
        query["pinnedCards"] = json.dumps(cards, separators=(",", ":"))
    return urllib.parse.urlencode(query, quote_via=urllib.parse.quote)


def _prepared(shown: Tags) -> tuple[list[str], str]:
    """Return the tags to pin, and the regular expression whose group names a run."""
    known = {tag for found in shown.values() for tag in found}
    ours = [tag for tag in _OURS if tag in known]
    if ours and all(run.count("/") <= 1 for run in shown):
        return ours, _FIRST_PART
    from tbcli.naming.series import Seen, identify  # not before somebody looks

    seen = [Seen(run, tag, 2) for run, found in shown.items() for tag in found]
    named = identify(seen)
    return ours or _pins(dict(zip(seen, named.identities, strict=True))), _colour_group(named.owners)


def _pins(identities: Mapping[Seen, Identity]) -> list[str]:
    """Return the tags of loss and accuracy, at most two each; of other losses where there is neither."""
    metrics = {each.metric for each in identities.values()}
    pins = [tag for words in _PANELS for tag in _tags_of(identities, words)[:2]]
    return pins or _tags_of(identities, {name for name in metrics if "loss" in name.lower()})[:_MOST_PINS]


def _tags_of(identities: Mapping[Seen, Identity], metrics: Collection[str]) -> list[str]:
    """Return the tags of metrics, training before validation; not those per step of what is there per epoch too."""
    from tbcli.naming.words import STEP

    found = {(each.split, each.unit == STEP, seen.tag) for seen, each in identities.items() if each.metric in metrics}
    others = {split for split, is_per_step, _ in found if not is_per_step}
    kept = [(split, tag) for split, is_per_step, tag in sorted(found) if not (is_per_step and split in others)]
    return list(dict.fromkeys(tag for _, tag in kept))


def _colour_group(owners: Mapping[str, str]) -> str:
    """Return what captures the run of each directory, whatever its depth."""
    if all(run == directory.partition("/")[0] for directory, run in owners.items()):
        return _FIRST_PART
    endings = {directory.removeprefix(run) for directory, run in owners.items() if directory.startswith(run)} - {""}
    return rf"^(.*?)(?:{'|'.join(map(re.escape, sorted(endings)))})?$" if endings else "^(.*)$"


def redirect_first_visit(application: Any, path_prefix: str, logdir: str) -> Any:
    """Return a WSGI application that sends a browser's first visit of ``/`` to the prepared view.

    Only a request for a document without a query counts as a visit; programs, which accept anything, see no difference.

    Args:
        application: Answers everything else.
        path_prefix: Where it is served, ``""`` for the root.
        logdir: What it shows; the cookie is for that.
    """
    root = f"{path_prefix.rstrip('/')}/"
    cookie = f"tbcli-view-{_fingerprint(logdir)}"

    def answer(environ: dict[str, Any], start_response: Any) -> Any:
        if environ.get("PATH_INFO") != root or not _is_visit(environ) or _has_cookie(environ, cookie):
            return application(environ, start_response)
        query = view_query(_ask_for_tags(application, root))
        if not query:
            return application(environ, start_response)
        headers = [
            ("Location", f"{root}?{query}"),  # without a fragment: the browser keeps the one that was typed
            ("Set-Cookie", f"{cookie}=1; Path={root}; Max-Age={_COOKIE_SECONDS}; SameSite=Lax; HttpOnly"),
            ("Cache-Control", "no-store"),
            ("Content-Length", "0"),
        ]
        start_response("302 Found", headers)
        return [b""]

    return answer


def _is_visit(environ: Mapping[str, Any]) -> bool:
    accepts = str(environ.get("HTTP_ACCEPT", ""))
    return environ.get("REQUEST_METHOD") == "GET" and "text/html" in accepts and not environ.get("QUERY_STRING")


def _has_cookie(environ: Mapping[str, Any], name: str) -> bool:
    return any(part.partition("=")[0].strip() == name for part in str(environ.get("HTTP_COOKIE", "")).split(";"))


def _fingerprint(logdir: str) -> str:
    """Return a word for what is served: the targets of the links, where the log directory is made of links."""
    links: list[str] = []
    if os.path.isdir(logdir):  # noqa: PTH112 - may be a URL
        links = sorted(str(entry.resolve()) for entry in Path(logdir).iterdir() if entry.is_symlink())
    return hashlib.sha256("\n".join(links or [logdir]).encode()).hexdigest()[:12]


def _ask_for_tags(application: Any, root: str) -> Tags:
    from werkzeug.test import Client

    response = Client(application).get(f"{root}data/{TAGS_PATH}")
    found = response.get_json(silent=True) if response.status_code == 200 else None
    return found if isinstance(found, dict) else {}
