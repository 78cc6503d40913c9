from matplotlib import font_manager

from tbcli.figures import lettering
from tbcli.figures.lettering import FAMILY, NO_GLYPH, Lettering, lettering_for

OUTSIDE_UNICODE_BLOCKS = "\U000e0f00"  # unassigned: no font draws it


def test_plain_text_needs_the_usual_font_alone() -> None:
    assert lettering_for(["resnet 1 é ñ → …"]) == Lettering((FAMILY,), frozenset())


def test_the_usual_font_has_the_box_and_the_ellipsis() -> None:
    assert lettering_for([NO_GLYPH + "…·"]).lacking == frozenset()


def test_a_character_that_no_font_has_becomes_a_box(monkeypatch) -> None:
    monkeypatch.setattr(font_manager.fontManager, "ttflist", [])
    letters = lettering_for(["模型 7"])
    assert letters.legible("模型 7") == f"{NO_GLYPH}{NO_GLYPH} 7"
    assert letters.families == (FAMILY,)


def test_a_font_of_the_system_fills_the_gap(monkeypatch) -> None:
    # These come with matplotlib: cmr10 has no letter that FAMILY lacks, so the roles are turned round.
    monkeypatch.setattr(lettering, "FAMILY", "cmr10")
    letters = lettering_for(["é"])
    assert letters.lacking == frozenset()
    assert len(letters.families) == 2


def test_a_font_of_placeholders_does_not_count() -> None:
    assert not any("last resort" in entry.name.lower() for entry in lettering._candidates())


def test_control_characters_and_line_ends_become_blanks() -> None:
    assert lettering_for([]).legible("a\nb\x1b[31m") == "a b [31m"
    assert lettering_for([OUTSIDE_UNICODE_BLOCKS]).legible(OUTSIDE_UNICODE_BLOCKS) == " "


def test_a_text_is_cut_to_a_width() -> None:
    letters = Lettering()
    cut = letters.fitted("W" * 200, 14, 5.0)
    assert cut.endswith("W…")
    assert 4.5 < letters.width(cut, 14) <= 5.0
    assert letters.fitted("short", 14, 5.0) == "short"
