from tbcli.figures.colours import PALETTE, run_colours

IDS = [f"20261122-1200{number:02}-abcd" for number in range(30)]


def test_a_run_has_the_same_colour_whatever_the_order() -> None:
    assert run_colours(IDS) == run_colours(reversed(IDS))


def test_the_oldest_run_keeps_its_colour_whatever_else_is_shown() -> None:
    alone = run_colours(IDS[:1])[IDS[0]]
    assert all(run_colours(IDS[:count])[IDS[0]] == alone for count in (2, 12, 30))


def test_runs_differ_until_the_palette_is_used_up() -> None:
    assert len(set(run_colours(IDS).values())) == len(IDS)
    many = run_colours(f"run-{number}" for number in range(100))
    assert len(many) == 100
    assert set(many.values()) <= set(PALETTE)
