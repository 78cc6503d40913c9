"""TensorBoard in this process: launched by its own API, ready when it answers, gone when stopped."""

from __future__ import annotations

import logging
import os
import sys
import time
import types
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from tbcli.config import ServeConfig
from tbcli.errors import ServingFailed, describe_error
from tbcli.loading import imports_kept
from tbcli.serving.assets import Assets
from tbcli.serving.client import Client, NoAnswer
from tbcli.serving.data_server import DataServer
from tbcli.serving.first_view import TAGS_PATH, redirect_first_visit, view_query
from tbcli.serving.guard import Guard, guarded, settle_token
from tbcli.serving.hparams_table import unite_tables
from tbcli.serving.plugin_patches import (
    leave_out_if_broken,
    list_traces_behind_links,
    read_regular_files_alone,
    read_vectors_anew,
    show_all_histograms,
)
from tbcli.serving.ports import Reservation, origin_of
from tbcli.serving.projector_files import keep_projector_within
from tbcli.serving.samples import Samples, settle_samples

_LOG = logging.getLogger(__name__)
_PLUGINS = "tensorboard_plugins"
_FIRST_DATA_SECONDS = 1.0
_WITHOUT_READER = "`--load-fast false` reads without it"


@dataclass(slots=True)
class Server:
    """A TensorBoard that answers."""

    root: str  # its URL without the token
    reader: DataServer | None
    _stop_http: Callable[[], None] = field(repr=False)
    token: str = field(default="", repr=False)  # what it asks visitors for; "" for nothing
    _read_slowly: Callable[[], None] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """The URL that opens it in a browser."""
        return f"{self.root}?{self._entrance}" if self.token else self.root

    @property
    def _entrance(self) -> str:
        return urllib.parse.urlencode({"token": self.token}) if self.token else ""

    @property
    def view(self) -> str:
        """The URL of the prepared view of what there is now; see `tbcli.serving.first_view`."""
        try:
            query = view_query(Client(self.root, token=self.token).get(TAGS_PATH).json())
        except NoAnswer:
            query = ""
        whole = "&".join(filter(None, (self._entrance, query)))
        return f"{self.root}?{whole}#timeseries" if query else self.url

    def check(self) -> str | None:
        """Do nothing while all is well; where the fast reader has ended, go on with the slow one and say why.

        Raises:
            ServingFailed: The fast reader was demanded and has ended, or the slow one cannot start.
        """
        if not self.reader or self.reader.lives():
            return None
        end = self.reader.end
        self.reader.stop()
        if self._read_slowly is None:
            raise ServingFailed(f"TensorBoard's fast reader {end}", hint=_WITHOUT_READER)
        self.reader = None
        self._read_slowly()
        return f"TensorBoard's fast reader {end}; the slow one reads on"

    def stop(self) -> None:
        """Stop answering and end the reader; takes up to half a second."""
        self._stop_http()
        if self.reader:
            self.reader.stop()

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def launch(
    config: ServeConfig,
    logdir: str,
    reservation: Reservation,
    *,
    needs_tensorflow: bool = False,
    has_data: bool = True,
    samples: Samples | None = None,
    verbose: bool = False,
    warn: Callable[[str], None] = _LOG.warning,
) -> Server:
    """Start TensorBoard and wait until it answers over HTTP.

    Args:
        config: How to read and how to look.
        logdir: An absolute path, or a URL such as ``gs://bucket/logs``.
        reservation: Where to listen; released for the server.
        needs_tensorflow: Something in there is only shown with TensorFlow, which is then loaded on demand.
        has_data: Wait a moment for the first scalars too, so that a script may ask at once.
        samples: How many points of a series to show, by plugin; see `tbcli.serving.samples`.
        verbose: Let the libraries' logs through.
        warn: Told what is left out: a broken plugin, a projector's file outside of its directory; from any thread.

    Raises:
        ServingFailed: TensorBoard or its reader would not start.
    """
    if config.without_tensorflow and not needs_tensorflow:
        leave_tensorflow_out()
    if not verbose:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # the profile plugin imports TensorFlow in any case
        # A mixed precision policy is no dtype, which the graph plugin warns of for every layer of every page.
        logging.getLogger("tensorboard").setLevel(logging.ERROR)
        # A series that TensorBoard cannot decode is a traceback at each look; the page says so itself.
        logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    token = settle_token(config, is_loopback=reservation.is_loopback)
    if token:
        config = replace(config, load_fast="false")  # the fast reader's port answers any account of this machine
    guard = Guard.of(config, reservation, token)
    samples = settle_samples(0) if samples is None else samples
    warn = lru_cache(maxsize=None)(warn)  # of what is asked again and again it tells once
    reader = None
    try:
        with imports_kept():
            reader = _started_reader(config, logdir, samples, verbose=verbose)  # it reads while we import
            plugins = load_plugins(samples, warn)
            address, reader = _address(config, reader, warn)
            board = _Board(config, logdir, reservation, guard, samples)
            board.show(plugins, address)
    except BaseException:
        if reader:
            reader.stop()
        raise
    url = f"{reservation.origin}{config.path_prefix.rstrip('/')}/"
    read_slowly = None if config.load_fast == "true" else lambda: board.show(load_plugins(samples, warn), "")
    started = Server(url, reader, board.server.shutdown, token, read_slowly)
    try:
        _wait_until_ready(reservation, config, started, has_data=has_data)
    except BaseException:
        started.stop()
        raise
    return started


def leave_tensorflow_out() -> None:
    """Make TensorBoard believe that TensorFlow is not installed, which spares 3 s and 500 MB.

    TensorBoard asks for a module ``tensorboard.compat.notf``, which its own build without TensorFlow contains, and then
    uses its stub. Lost are embeddings from TensorFlow checkpoints and file systems other than the local one. Must come
    before TensorBoard's modules first touch TensorFlow. (The xprof plugin imports TensorFlow by itself, as before.)
    """
    name = "tensorboard.compat.notf"
    sys.modules.setdefault(name, types.ModuleType(name))


def load_plugins(samples: Samples, warn: Callable[[str], None] = _LOG.warning) -> list[Any]:
    """Return TensorBoard's own plugins and the installed ones; a broken one is named and left out.

    Args:
        samples: How many points of a series they show.
        warn: Told of each that is left out, with its package, and later of files that are.
    """
    from importlib.metadata import entry_points

    from tensorboard import default
    from tensorboard.backend.application import make_plugin_loader

    most = samples["histograms"]
    plugins = [show_all_histograms(unite_tables(plugin), most) for plugin in default.get_static_plugins()]
    taken = {name for plugin in default.get_static_plugins() if (name := getattr(plugin, "plugin_name", None))}
    points = [(point.dist.name if point.dist else point.module, point) for point in entry_points(group=_PLUGINS)]
    for package, point in sorted(points, key=lambda pair: pair[0] != "tensorboard"):  # of one name its own counts
        described = f"the TensorBoard plugin {point.name!r} of the package {package!r}"
        try:
            loader = keep_projector_within(read_vectors_anew(make_plugin_loader(point.load())), warn)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - somebody else's code
            advice = f"`pip install --upgrade {package}`, or `pip uninstall {package}`"
            warn(f"{described} failed to load and is left out: {describe_error(error)}; {advice}")
            continue
        plugins.append(leave_out_if_broken(list_traces_behind_links(loader), described, warn, taken))
    return plugins


def _started_reader(config: ServeConfig, logdir: str, samples: Samples, *, verbose: bool) -> DataServer | None:
    if config.load_fast == "false" or ("://" in logdir and not logdir.startswith("gs://")):
        return None
    from tensorboard.data import server_ingester

    try:
        binary = server_ingester.get_server_binary().path
        return DataServer(binary, logdir, reload_interval=config.reload_interval, samples=samples, verbose=verbose)
    except (server_ingester.NoDataServerError, OSError) as error:
        if config.load_fast == "true":
            raise ServingFailed(f"TensorBoard's fast reader is not available: {error}", hint=_WITHOUT_READER) from error
        return None


def _address(
    config: ServeConfig, reader: DataServer | None, warn: Callable[[str], None]
) -> tuple[str, DataServer | None]:
    """Return where the reader listens, and the reader; ``""`` and None where reading is left to Python."""
    if reader is None:
        return "", None
    try:
        return reader.address(), reader
    except ServingFailed as error:
        reader.stop()
        if config.load_fast == "true":
            raise
        warn(f"{error.message}; the slow one reads")
        return "", None


class _Board:
    """TensorBoard behind our HTTP server, which stays when another reader takes over."""

    def __init__(
        self, config: ServeConfig, logdir: str, reservation: Reservation, guard: Guard, samples: Samples
    ) -> None:
        from tensorboard import assets

        self.server: Any = None
        self._config, self._logdir, self._reservation, self._guard = config, logdir, reservation, guard
        self._samples = samples
        self._web_files = Assets(assets.get_default_assets_zip_provider())
        self._application: Any = None

    def _serve(self, wsgi_app: Any, flags: Any) -> Any:
        from tensorboard import program

        self._application = redirect_first_visit(wsgi_app, flags.path_prefix, self._logdir)
        if self.server:
            return types.SimpleNamespace(serve_forever=lambda: None, get_url=lambda: "")  # it serves already
        self._reservation.release()
        around = self._web_files.around(lambda *request: self._application(*request), flags.path_prefix)
        self.server = program.WerkzeugServer(guarded(around, self._guard, flags.path_prefix), flags)
        return self.server

    def show(self, plugins: list[Any], reader_address: str) -> None:
        """Answer with what a reader reads, the one at the address or for ``""`` the slow one, from now on.

        Raises:
            ServingFailed: TensorBoard does not start.
        """
        from tensorboard import program

        if not reader_address:
            read_regular_files_alone()
        tensorboard = program.TensorBoard(plugins, self._web_files.page, self._serve)
        try:
            tensorboard.configure(
                logdir=self._logdir,
                host=self._reservation.host,
                port=self._reservation.port,
                path_prefix=self._config.path_prefix,
                window_title=self._config.window_title,
                reload_interval=self._config.reload_interval,
                load_fast="false",  # the fast reader is started by us
                grpc_data_provider=reader_address,
                samples_per_plugin=dict(self._samples),
                reload_multifile=True,  # else the Python reader follows only the newest file of a run
            )
            tensorboard.launch()
        except program.TensorBoardServerException as error:
            raise ServingFailed(
                f"TensorBoard cannot serve: {error.msg}", hint="`--port 0` takes any free port"
            ) from error
        except ValueError as error:  # two plugins of one name, and the like
            raise ServingFailed(
                f"TensorBoard cannot start: {error}", hint="`pip list` shows which plugins are installed"
            ) from error
        except SystemExit as error:  # how its server says that it could not bind
            raise ServingFailed(
                f"port {self._reservation.port} has just been taken", hint="`--port 0` takes any free port"
            ) from error
        except Exception as error:  # TensorFlow's own errors for file systems, which we do not import to name them
            if "://" not in self._logdir:
                raise
            raise ServingFailed(
                f"TensorBoard cannot read {self._logdir!r}: {error}", hint="copy the directory to a local disk"
            ) from error


def _wait_until_ready(reservation: Reservation, config: ServeConfig, server: Server, *, has_data: bool) -> None:
    prefix = config.path_prefix.rstrip("/")
    client = Client(f"{origin_of(reservation.own_address, reservation.port)}{prefix}/", seconds=5, token=server.token)
    deadline = time.monotonic() + config.timeout_seconds
    while _answer(client, "environment") is None:
        server.check()
        if time.monotonic() > deadline:
            raise ServingFailed(
                f"TensorBoard did not answer within {config.timeout_seconds:g} s",
                hint="`--set serve.timeout_seconds=...` waits longer",
            )
        time.sleep(0.02)
    deadline = min(deadline, time.monotonic() + _FIRST_DATA_SECONDS) if has_data else 0
    while time.monotonic() < deadline and not _answer(client, TAGS_PATH):
        time.sleep(0.02)
    if has_data:
        _answer(client, "plugins_listing")  # the projector says that it is inactive when first asked


def _answer(client: Client, path: str) -> Any:
    """Return the JSON document that the server gives, or None where it gives none."""
    try:
        return client.get(path).json()
    except NoAnswer:
        return None
