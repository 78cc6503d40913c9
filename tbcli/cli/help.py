"""``tbcli help``: topics that no single command could explain, and the help of a command."""

from __future__ import annotations

from typing import Annotated

import typer

from tbcli.cli.options import Common, with_common_options
from tbcli.cli.topics import complete_topic, list_topics, read_topic, rendered


@with_common_options
def help(  # noqa: A001 - the command's name
    common: Common,
    topic: Annotated[
        str | None, typer.Argument(metavar="[TOPIC]", help="A topic or a command.", autocompletion=complete_topic)
    ] = None,
) -> None:
    """Show a help topic, or the help of a command; without a name, list the topics."""
    output = common.output
    if topic:
        from tbcli.cli.app import COMMANDS

        output.results(rendered(read_topic(topic, COMMANDS)))
    else:
        output.results(list_topics())
        output.say("`tbcli help TOPIC` shows one; `tbcli help COMMAND` is `tbcli COMMAND --help`.")
