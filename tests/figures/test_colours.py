"""Colours differ for everybody: as they are, with deuteranopia (Machado et al. 2009), and in grey (CIE L*)."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from tbcli.figures.colours import DARK, LIGHT, Theme, line_styles, run_styles

IDS = [f"20261122-1200{number:02}-abcd" for number in range(30)]
THEMES = pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
DEUTERANOPIA = np.array(
    [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
)
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def linear(colour: str) -> np.ndarray:
    parts = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def lab(light: np.ndarray) -> np.ndarray:
    ratios = TO_XYZ @ light / (TO_XYZ @ np.ones(3))
    x, y, z = np.where(ratios > (6 / 29) ** 3, np.cbrt(ratios), ratios / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def as_seen(colour: str) -> np.ndarray:
    return lab(linear(colour))


def with_deuteranopia(colour: str) -> np.ndarray:
    return lab(np.clip(DEUTERANOPIA @ linear(colour), 0, 1))


def distance(one: str, two: str) -> float:
    """Return the smaller of the two distances: of what most people see and with deuteranopia."""
    return min(float(np.linalg.norm(see(one) - see(two))) for see in (as_seen, with_deuteranopia))


def lightness_step(one: str, two: str) -> float:
    return abs(float(as_seen(one)[0] - as_seen(two)[0]))


def contrast(colour: str, paper: str) -> float:
    bright, dark = sorted((float(TO_XYZ[1] @ linear(shade)) + 0.05 for shade in (colour, paper)), reverse=True)
    return bright / dark


@THEMES
def test_the_first_five_runs_differ_in_colour_with_deuteranopia_and_in_grey(theme: Theme) -> None:
    for one, two in combinations(theme.hues[:5], 2):
        assert distance(one, two) >= 36
        assert lightness_step(one, two) >= 11


@THEMES
def test_two_runs_are_far_apart(theme: Theme) -> None:
    pairs = [distance(one, two) for one, two in combinations(theme.hues, 2)]
    assert distance(*theme.hues[:2]) >= 0.9 * max(pairs)


@THEMES
def test_curves_that_look_alike_in_grey_have_different_dashes(theme: Theme) -> None:
    for one, two in combinations(line_styles(8, theme), 2):
        assert distance(one.colour, two.colour) >= 10
        assert lightness_step(one.colour, two.colour) >= 6 or one.dash != two.dash


@THEMES
def test_train_validation_and_test_differ_in_grey(theme: Theme) -> None:
    for one, two in combinations((theme.train, theme.validation, theme.test), 2):
        assert lightness_step(one, two) >= 11


@THEMES
def test_every_colour_stands_out_from_its_paper(theme: Theme) -> None:
    assert min(contrast(hue, theme.paper) for hue in theme.hues) >= 2.3
    assert min(contrast(text, theme.paper) for text in (theme.ink, theme.faint, theme.wrong)) >= 4.5


def test_forty_styles_differ_and_a_hundred_are_no_error() -> None:
    assert len(set(line_styles(40))) == 40
    assert len(line_styles(100)) == 100
    assert [style.pattern for style in line_styles(6)][4:] == ["-", (0.0, (5.0, 1.5))]


def test_a_run_has_the_same_style_whatever_the_order() -> None:
    assert run_styles(IDS) == run_styles(reversed(IDS))


def test_an_older_run_keeps_its_style_whatever_younger_ones_are_shown() -> None:
    assert all(run_styles(IDS)[run_id] == style for run_id, style in run_styles(IDS[:3]).items())
