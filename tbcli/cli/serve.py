"""``tbcli serve``: runs in TensorBoard, from a port that is ours to an answer over HTTP."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tbcli.cli.options import Common, Json, RunsArgument, find_runs, refuse_together, with_options
from tbcli.cli.output import Output, printable, stdout_kept_clean
from tbcli.cli.places import OfSweep, find_places, list_own_runs, store_of
from tbcli.config import FIRST_FREE_PORT
from tbcli.errors import ConfigError, NotFound, TbcliError
from tbcli.naming import schemas

if TYPE_CHECKING:
    from tbcli.config import Config, ServeConfig
    from tbcli.runs import LogDirectory, Run
    from tbcli.serving import Server
    from tbcli.serving.formats import ScalarFormat
    from tbcli.serving.ports import Reservation
    from tbcli.serving.samples import Samples
    from tbcli.serving.survey import Survey

_COUNTING_AFTER_SECONDS = 2.0
_WHERE, _WHAT, _SERVERS = "Address", "TensorBoard", "Running servers"


@with_options("serve")
def serve(
    common: Common,
    run: RunsArgument = None,
    sweep: OfSweep = None,
    open_: Annotated[bool, typer.Option("--open", help="Open it in the browser.", rich_help_panel=_WHERE)] = False,
    audit: Annotated[
        bool,
        typer.Option(
            "--audit",
            help="Check that every dashboard shows what was recorded of the runs, or of the latest; then stop.",
            rich_help_panel=_WHAT,
        ),
    ] = False,
    detach: Annotated[
        bool,
        typer.Option("--detach", help="Leave the terminal once it answers.", rich_help_panel=_SERVERS),
    ] = False,
    reuse: Annotated[
        bool,
        typer.Option(
            "--reuse",
            help="Print the URL of a server that shows the same already, if there is one.",
            rich_help_panel=_SERVERS,
        ),
    ] = False,
    list_: Annotated[
        bool, typer.Option("--list", help="List your servers that run.", rich_help_panel=_SERVERS)
    ] = False,
    stop: Annotated[
        str | None,
        typer.Option(
            "--stop",
            metavar="[PORT|all]",
            help="Stop your server at this port, all of this workspace, or the only one.",
            rich_help_panel=_SERVERS,
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show runs in TensorBoard, all or the chosen ones, until Ctrl-C.

    The URL is printed when it answers, so a script can wait for that line.
    """
    refuse_together({"--list": list_, "--stop": stop is not None, "--audit": audit, "--detach": detach})
    if list_ or stop is not None:
        from tbcli.cli.servers import list_servers, stop_servers

        if stop is None:
            list_servers(common.output, as_json=as_json)
        else:
            stop_servers(common.output, stop, common.settle().paths)
        return
    config = common.settle()
    if common.value("serve.port") == str(FIRST_FREE_PORT):  # the value of "unless given", which a file may hold
        raise ConfigError("--port must be from 0 to 65535, got '-1'", hint="leave it out for 6006 or the next free one")
    if config.serve.token and config.serve.insecure:
        raise ConfigError("--token and --insecure exclude each other", hint="leave one of them out")
    from tbcli.cli.servers import url_of_other
    from tbcli.serving import StopSignals, as_logdir, launch, reserve, settle_samples, shown_places, survey
    from tbcli.serving.notes import noted

    output = common.output
    store = store_of(config, sweep)
    if audit and not run and not store.list() and survey([store.logs_root]).has_events:
        run = [f"{store.logs_root}/"]  # a foreign log directory
    if sweep is not None and run:
        chosen = find_places(store, run, output)
    else:
        chosen = find_runs(common, store, run or (("latest",) if audit and sweep is None else ()))
    if sweep is not None and not run:
        # A summary promises nothing of a training's.
        chosen = [*list_own_runs(store, output), *([] if audit else store.summaries())]
    _refuse_files([item.logs for item in chosen] or [store.logs_root])
    if audit:
        from tbcli.cli.render.audit import audit_chosen

        audit_chosen(common.output, config.serve, chosen, as_json=as_json)
        return
    remote = _remote_logdir(config, chosen)
    places = [remote] if remote else [str(item.logs.resolve()) for item in chosen] or [str(store.logs_root.resolve())]
    if url := url_of_other(output, config.serve, places, reuse=reuse, as_json=as_json):
        if open_:
            _open(output, url)
        return
    ready = _leave_terminal() if detach else None
    with (
        StopSignals() as signals,
        reserve(config.serve.host, config.serve.port) as place,
        as_logdir(chosen, store.logs_root) as directory,
    ):
        found = None if remote else survey([item.logs for item in chosen] or [directory])
        warn_of_emptiness(output, found, chosen)
        settled = _settle_access(output, config.serve, place)
        needs_tensorflow = _needs_tensorflow(output, config, remote, found)
        logdir = remote or str(directory)
        samples = settle_samples(found.event_bytes if found else 0)
        has_data = found is not None and found.has_events
        reader, not_shown = (settled, []) if remote else _choose_reader(output, settled, chosen, directory)
        with (
            launch(
                reader,
                logdir,
                place,
                needs_tensorflow=needs_tensorflow,
                has_data=has_data,
                samples=samples,
                verbose=common.verbose,
                warn=output.warn,
            ) as server,
            noted(server.url, place.port, places, _names(chosen), has_token=bool(server.token)) as is_noted,
        ):
            stops = (
                f"`tbcli serve --stop {place.port}`" if ready and is_noted else "Ctrl-C" if not ready else "a signal"
            )
            _show(output, server, place, logdir, chosen, not_shown, stops, as_json=as_json)
            if not remote:
                _tell_thinned(output, shown_places(chosen, directory), samples)
            if open_:
                _open(output, server.view)
            if ready:
                ready()
            signals.wait(lambda: _warn_of_change(output, server))
        output.say("TensorBoard stopped")


def _leave_terminal() -> Callable[[], None]:
    """Go on in a child process, and return what it must call once it answers; the parent does not return."""
    from tbcli.cli.detaching import leave_terminal
    from tbcli.serving.notes import log_file, open_privately

    ready = leave_terminal()
    if isinstance(ready, int):
        raise typer.Exit(ready)

    def leave() -> None:
        try:
            log = open_privately(log_file(os.getpid()))
        except (OSError, RuntimeError):  # no room, no home
            log = os.open(os.devnull, os.O_WRONLY)
        ready(log)

    return leave


def _refuse_files(places: Iterable[Path]) -> None:
    """Raise a `NotFound` for a log directory that is no directory; one that is missing may still come."""
    for place in places:
        if place.exists() and not place.is_dir():
            raise NotFound(
                f"{str(place)!r} is a file, not a log directory",
                hint=f"`tbcli serve {shlex.quote(f'{place.parent}/')}`",
            )


def _names(chosen: list[Run | LogDirectory]) -> list[str]:
    return [item.logs.resolve().name for item in chosen]


def _remote_logdir(config: Config, chosen: list[Run | LogDirectory]) -> str | None:
    """Return a log directory such as ``gs://bucket/logs`` as it was said, for a path would spoil it; else None."""
    return config.paths.logdir if "://" in config.paths.logdir and not chosen else None


def warn_of_emptiness(output: Output, found: Survey | None, chosen: list[Run | LogDirectory]) -> None:
    """Say where TensorBoard will find nothing, and what helps."""
    from tbcli.cli.places import has_logs
    from tbcli.serving import nearest_runs

    for directory in found.empty if found else ():
        what = "no event files in" if directory.is_dir() else "no directory"
        nearest = None if chosen else nearest_runs(directory)
        advice = (
            f"the nearest runs are in {_shown(nearest)!r}: `tbcli serve --logdir {shlex.quote(_shown(nearest))}`"
            if nearest
            else "`tbcli train` makes some"
        )
        if directory.is_dir() and has_logs(directory):  # as text
            export = f"tbcli export {shlex.quote(_shown(directory))} --format tensorboard --out DIR"
            advice = f"`{export}` makes some of the logs there"
        output.warn(f"{what} {_shown(directory)!r}: TensorBoard is empty until there are some; {advice}")


def _shown(path: Path) -> str:
    """Return the path as short as it is still right from here."""
    relative = os.path.relpath(path)
    return str(path) if relative.count("..") > 2 else relative


def _settle_access(output: Output, config: ServeConfig, place: Reservation) -> ServeConfig:
    """Return the configuration with the token that visitors are asked for; says who can read the runs."""
    from tbcli.serving import settle_token

    token = settle_token(config, is_loopback=place.is_loopback)
    if not place.is_loopback:
        _warn_of_visitors(output, place, token)
    if not token:
        return config
    reason = "the port of the fast one answers every account of this machine, with or without the token"
    if config.load_fast == "true":
        output.warn(f"--load-fast true has no effect with a token: {reason}")
    elif config.load_fast == "auto":
        output.say(f"using TensorBoard's slow reader: {reason}")
    return replace(config, token=token, load_fast="false")


def _warn_of_visitors(output: Output, place: Reservation, token: str) -> None:
    import getpass
    import socket

    here = socket.gethostname()
    with suppress(KeyError, OSError):  # an account without a name
        here = f"{getpass.getuser()}@{here}"
    who = "who has the URL with the token" if token else "who can reach port {place.port} of this machine"
    output.warn(
        f"anyone {who.format(place=place)} can read these runs, unencrypted; safer: omit `--host` and run on your own "
        f"machine `ssh -L {place.port}:localhost:{place.port} {here}`"
    )


def _needs_tensorflow(output: Output, config: Config, remote: str | None, found: Survey | None) -> bool:
    cause = (
        f"{remote} is not local"
        if remote
        else f"{_shown(found.checkpoint)!r} refers to a TensorFlow checkpoint"
        if found and found.checkpoint
        else ""
    )
    if cause and config.serve.without_tensorflow:
        output.say(f"TensorFlow will be loaded when the browser needs it: {cause}")
    return bool(cause)


def _choose_reader(
    output: Output, config: ServeConfig, chosen: list[Run | LogDirectory], directory: Path
) -> tuple[ServeConfig, list[ScalarFormat]]:
    """Return how to read so that all is shown that can be, and what cannot; both are reported."""
    from tbcli.serving import shown_places
    from tbcli.serving.formats import choose_reader, describe_scalars, find_odd_scalars

    odd = find_odd_scalars(shown_places(chosen, directory).items(), skip_runs=True)
    settled, not_shown = choose_reader(config, odd)
    if settled is not config:
        output.say(printable(f"using TensorBoard's slow reader: the fast one drops {describe_scalars(odd)}"))
    if not_shown:
        hint = "; `--load-fast auto` shows them" if all(scalar.is_readable for scalar in not_shown) else ""
        output.warn(f"TensorBoard does not show {describe_scalars(not_shown)}{hint}")
    return settled, not_shown


def _tell_thinned(output: Output, places: Mapping[str, Path], samples: Samples) -> None:
    """Say, a while later and beside everything else, which series are longer than what is shown of them."""
    import threading

    from tbcli.serving.samples import describe_thinned, find_thinned

    def tell() -> None:
        with suppress(TbcliError, OSError):  # not there any more
            for sentence in describe_thinned(find_thinned(places.items(), samples), samples):
                output.warn(sentence)

    timer = threading.Timer(_COUNTING_AFTER_SECONDS, tell)  # the page's first questions come first
    timer.daemon = True
    timer.start()


def _warn_of_change(output: Output, server: Server) -> None:
    news = server.check()
    if news:
        output.warn(news)


def _show(
    output: Output,
    server: Server,
    place: Reservation,
    logdir: str,
    chosen: list[Run | LogDirectory],
    not_shown: list[ScalarFormat],
    stops: str,
    *,
    as_json: bool,
) -> None:
    names = _names(chosen)
    if as_json:
        output.document(
            {
                "schema": schemas.OTHERS,
                "url": server.url,
                "token": server.token or None,
                "host": place.host,
                "port": place.port,
                "pid": os.getpid(),
                "logdir": logdir,
                "runs": names,
                "fast_reader": server.reader is not None,
                "not_shown": [{"run": each.run, "tag": each.tag, "format": each.format} for each in not_shown],
            }
        )
    else:
        output.result(server.url)
    output.say(f"TensorBoard shows {', '.join(names) or logdir}; {stops} stops it")


def _open(output: Output, url: str) -> None:
    import webbrowser

    with stdout_kept_clean():  # browsers chatter
        opened = webbrowser.open(url)
    if not opened:
        output.warn(f"cannot open a browser; open {url} yourself")
