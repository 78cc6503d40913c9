from __future__ import annotations

from pathlib import Path

import pytest

from tbcli.config.paths import cache_home, expanded


def test_an_account_without_a_home_keeps_no_cache_and_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr("os.path.expanduser", lambda path: path)  # as where neither $HOME nor the account tells
    assert cache_home() == Path("/nonexistent/tbcli")
    assert expanded("~/data.csv") == Path("~/data.csv")


def test_the_home_of_nobody_stays_as_it_was_written() -> None:
    assert expanded("~no-such-account/x.csv") == Path("~no-such-account/x.csv")
