"""What the tests of figures share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from matplotlib import font_manager

from tbcli.figures import lettering


@pytest.fixture
def no_fonts(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Pretend that there is no font but matplotlib's own, neither listed nor installed since."""
    own = [entry for entry in font_manager.fontManager.ttflist if entry.name.startswith("DejaVu")]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", own)
    monkeypatch.setattr(font_manager, "findSystemFonts", list)
    lettering._lettering.cache_clear()
    lettering._newly_installed.cache_clear()
    yield
    lettering._lettering.cache_clear()
    lettering._newly_installed.cache_clear()
