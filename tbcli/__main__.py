"""The command ``tbcli``, which ``python -m tbcli`` is too."""

from __future__ import annotations

import gc

from tbcli.loading import imports_kept


def start_tbcli() -> None:
    """Run ``tbcli`` as a process, which spends no time on looking for garbage among modules or at its end."""
    with imports_kept():
        from tbcli.cli.app import main
    try:
        main()
    finally:
        gc.freeze()


if __name__ == "__main__":
    start_tbcli()
