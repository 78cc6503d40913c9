"""``tbcli schema``: the JSON Schema of ``tbcli.toml``, for editors and scripts."""

from __future__ import annotations

from tbcli.cli.options import Common, with_common_options


@with_common_options
def schema(common: Common) -> None:
    """Print the JSON Schema of tbcli.toml, which editors complete and check settings by."""
    from tbcli.config import json_schema

    common.output.document(json_schema())
