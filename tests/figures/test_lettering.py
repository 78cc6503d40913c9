from __future__ import annotations

from types import SimpleNamespace

import pytest
from matplotlib import font_manager

from tbcli.figures import lettering
from tbcli.figures.lettering import FAMILY, UNKNOWN, Lettering, lettering_for, missing_fonts

OUTSIDE_UNICODE_BLOCKS = "\U000e0f00"  # unassigned: no font draws it


def test_plain_text_needs_the_usual_font_alone() -> None:
    assert lettering_for(["resnet 1 é ñ → …"]) == Lettering((FAMILY,), frozenset())


def test_the_usual_font_has_the_ellipsis() -> None:
    assert lettering_for(["…·"]).lacking == frozenset()


def clear() -> None:
    lettering._lettering.cache_clear()
    lettering._newly_installed.cache_clear()


@pytest.mark.usefixtures("no_fonts")
@pytest.mark.parametrize(
    ("name", "font"),
    [
        ("模型", "Noto Sans CJK (Debian: fonts-noto-cjk)"),
        ("ねこ", "Noto Sans CJK"),
        ("고양이", "Noto Sans CJK"),
        ("हिन्दी", "Noto Sans Devanagari"),
        ("\U0001f9a5", "Noto Emoji"),
    ],
)
def test_a_name_that_no_font_draws_gives_way_to_the_class_number_and_the_font_is_named(name: str, font: str) -> None:
    letters = lettering_for([name])
    assert letters.families == (FAMILY,)
    assert letters.class_labels(["cat", name]) == ["cat", "class 1"]
    assert set(letters.legible(name)) == {UNKNOWN}
    assert font in missing_fonts(["cat", name])


@pytest.mark.usefixtures("no_fonts")
def test_a_class_that_is_called_as_another_is_numbered_stays_itself() -> None:
    labels = lettering_for(["猫"]).class_labels(["class 1", "猫", "a\nb", "a b"])
    assert labels == ["class 1 #0", "class 1 #1", "a b #2", "a b #3"]


@pytest.mark.usefixtures("no_fonts")
def test_names_that_no_font_draws_stay_as_many_as_they_are() -> None:
    names = ["層一", "層二", "dense"]
    assert lettering_for(names).shortened(names, 9, 2.0) == ["?? #0", "?? #1", "dense"]


@pytest.mark.usefixtures("no_fonts")
def test_arabic_hebrew_and_cyrillic_are_in_the_usual_font() -> None:
    assert missing_fonts(["قطة", "חתול", "кошка", "é", "a\u200db"]) == ""


def test_a_font_of_the_system_fills_the_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    # These come with matplotlib: cmr10 has no letter that FAMILY lacks, so the roles are turned round.
    monkeypatch.setattr(lettering, "FAMILY", "cmr10")
    clear()
    letters = lettering_for(["é"])
    clear()
    assert letters.lacking == frozenset()
    assert len(letters.families) == 2


def test_a_font_that_was_installed_after_matplotlib_looked_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = font_manager.findfont(FAMILY)
    monkeypatch.setattr(lettering, "FAMILY", "cmr10")
    listed = [entry for entry in font_manager.fontManager.ttflist if entry.name == "cmr10"]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", listed)
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: [usual, "/nowhere/broken.ttf"])
    clear()
    letters = lettering_for(["é"])
    clear()
    assert letters.families == ("cmr10", "DejaVu Sans")


def test_a_font_of_placeholders_does_not_count() -> None:
    assert not any("last resort" in entry.name.lower() for entry in lettering._ranked(lettering._candidates()))


def test_control_characters_and_line_ends_become_blanks() -> None:
    assert lettering_for([]).legible("a\nb\x1b[31m") == "a b [31m"
    assert lettering_for([OUTSIDE_UNICODE_BLOCKS]).legible(OUTSIDE_UNICODE_BLOCKS) == " "


def test_a_text_is_cut_to_a_width() -> None:
    letters = Lettering()
    cut = letters.fitted("W" * 200, 14, 5.0)
    assert cut.endswith("W…")
    assert 4.5 < letters.width(cut, 14) <= 5.0
    assert letters.fitted("short", 14, 5.0) == "short"


@pytest.mark.parametrize(("names", "form"), [(["猫", "トラック"], " JP"), (["고양이"], " KR"), (["模型"], " SC")])
def test_chinese_characters_have_the_form_of_the_language_around_them(names: list[str], form: str) -> None:
    fonts = [
        SimpleNamespace(name=f"Noto Sans CJK{end}", style="normal", weight=400) for end in (" HK", " JP", " KR", " SC")
    ]
    ranked = lettering._ranked(fonts, lettering._favoured_form("".join(names)))  # type: ignore[arg-type]
    assert ranked[0].name.endswith(form)
