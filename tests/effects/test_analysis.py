"""What mattered: planted effects are found in their order and size, and noise is called noise."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from tbcli.effects.analysis import Effects, analyze
from tbcli.effects.judging import SettingEffect
from tbcli.effects.permutations import Permutations, all_orders
from tests.effects.planted import Row, Runs, drawn, grid, hill

SEEDS = range(50)


def found(effects: Effects) -> list[str]:
    return [one.name.rpartition(".")[2] for one in effects.settings if one.verdict in ("effect", "confounded")]


def of(effects: Effects, name: str) -> SettingEffect:
    return next(one for one in effects.settings if one.name.endswith(name))


def pairs_of(effects: Effects) -> list[str]:
    pairs = [*effects.interactions, *([effects.interaction] if effects.interaction else [])]
    return [f"{pair.one} {pair.other}" for pair in pairs if pair.verdict == "effect"]


def planted(row: Row) -> float:
    return hill(row) + 0.8 * (row["train.optimizer"] == "adam") + 0.3 * (row["train.batch_size"] == 32)


def test_planted_effects_are_found_in_their_order() -> None:
    for seed in range(4):
        assert found(analyze(*drawn(seed, 60, planted)))[:2] == ["learning_rate", "optimizer"]


@pytest.mark.slow
def test_planted_effects_are_found_in_their_order_and_size_whatever_the_seed() -> None:
    all_found = [analyze(*drawn(seed, 120, planted)) for seed in SEEDS]
    names = [found(effects) for effects in all_found]
    assert sum(each[:2] == ["learning_rate", "optimizer"] for each in names) >= 49
    assert sum("batch_size" in each for each in names) >= 36
    others = {"learning_rate", "optimizer", "batch_size"}
    assert sum(bool(set(each) - others) for each in names) <= 5
    shares = {name: np.mean([of(effects, name).share for effects in all_found]) for name in ("rate", "optimizer")}
    rate, optimizer, whole = 0.45, 0.64 * 2 / 9, 0.45 + 0.64 * 2 / 9 + 0.09 * 3 / 16 + 0.09  # variances
    assert shares["rate"] == pytest.approx(rate / whole, abs=0.06)
    assert shares["optimizer"] == pytest.approx(optimizer / whole, abs=0.04)
    steps = [{level.text: level.adjusted for level in of(effects, "optimizer").levels} for effects in all_found]
    assert np.mean([step["adam"] - step["sgd"] for step in steps]) == pytest.approx(0.8, abs=0.05)


@pytest.mark.parametrize("count", [7, 12, pytest.param(40, marks=pytest.mark.slow)])
@pytest.mark.parametrize("tail", ["normal", "heavy"])
def test_where_nothing_matters_one_data_set_in_twenty_shows_something(count: int, tail: str) -> None:
    random = np.random.default_rng(count)
    rows = [drawn(seed, count, lambda _: 0.0)[0] for seed in SEEDS]
    values = [random.normal(size=count) if tail == "normal" else random.standard_t(1.5, count) for _ in SEEDS]
    shown = [found(analyze(each, list(y))) for each, y in zip(rows, values, strict=True)]
    assert sum(map(bool, shown)) <= 6  # of 50; 2.5 are expected
    assert sum(map(len, shown)) <= 0.05 * len(SEEDS) * 6  # over settings and data sets


@pytest.mark.parametrize("count", [20, pytest.param(60, marks=pytest.mark.slow)])
def test_settings_and_pairs_share_the_one_error_in_twenty(count: int) -> None:
    random = np.random.default_rng(count)
    all_found = [analyze(drawn(seed, count, lambda _: 0.0)[0], list(random.normal(size=count))) for seed in SEEDS]
    assert sum(bool(found(effects) or pairs_of(effects)) for effects in all_found) <= 5  # 2.5 are expected


def test_a_rare_value_at_which_the_metric_spreads_widely_has_no_effect() -> None:
    shown = 0
    for seed in range(30):
        random = np.random.default_rng(seed)
        kinds = [str(kind) for kind in random.permutation(["a"] * 34 + ["b"] * 6)]
        y = [float(random.normal() * (4 if kind == "b" else 0.2)) for kind in kinds]
        shown += bool(found(analyze([{"kind": kind, "x": i % 3} for i, kind in enumerate(kinds)], y)))
    assert shown <= 5  # about half of them if the spread is taken to be the same everywhere


@pytest.mark.slow
def test_beside_a_strong_effect_the_others_stay_noise() -> None:
    shown = [found(analyze(*drawn(seed, 30, hill))) for seed in SEEDS]
    assert all("learning_rate" in each for each in shown)
    assert sum(len(each) > 1 for each in shown) <= 6


def test_a_setting_that_goes_with_one_that_matters_is_not_taken_for_it() -> None:
    def correlated(seed: int) -> Runs:
        random = np.random.default_rng(seed)
        strong = random.uniform(size=60)
        rows: list[Row] = [{"strong": float(x), "beside": float(x + 0.25 * random.normal())} for x in strong]
        return rows, list(3 * strong + 0.4 * random.normal(size=60))

    all_found = [analyze(*correlated(seed)) for seed in range(20)]
    assert sum(found(effects) == ["strong"] for effects in all_found) >= 18
    assert np.mean([of(effects, "beside").main.size for effects in all_found]) < 0.7  # 1.9 if nothing is adjusted


def test_settings_that_always_vary_together_are_said_and_not_guessed() -> None:
    batches = {0.1: 512, 0.01: 64, 0.001: 8}
    rows = [{"rate": rate, "batch": batch, "x": x} for rate, batch in batches.items() for x in range(4)]
    effects = analyze(rows, [row["batch"] / 512 + 0.01 * (i * 7 % 5) for i, row in enumerate(rows)])
    rate, batch = of(effects, "rate"), of(effects, "batch")
    assert (rate.verdict, rate.confounded_with) == ("confounded", ("batch",))
    assert (batch.verdict, batch.confounded_with) == ("confounded", ("rate",))
    assert rate.share == batch.share > 0.9
    assert of(effects, "x").verdict == "noise"
    same = analyze(rows, [float(i * 7 % 5) for i in range(12)])
    assert {one.verdict for one in same.settings} == {"noise"}


def test_a_setting_inside_another_that_matters_cannot_be_told_from_it() -> None:
    rows = [{"model": "abcd"[i % 4], "is_deep": i % 4 > 1, "x": i // 4} for i in range(24)]
    random = np.random.default_rng(0)
    effects = analyze(rows, [(0.0, 5.0, 6.0, 12.0)[i % 4] + float(random.normal()) for i in range(24)])
    assert of(effects, "model").verdict == "effect"
    assert (of(effects, "is_deep").verdict, of(effects, "is_deep").confounded_with) == ("confounded", ("model",))


def test_one_value_is_counted_out_and_what_cannot_be_tested_says_why() -> None:
    rows = [{"same": 1, "id": f"run {i}", "rare": i == 3, "lr": 0.1 * i} for i in range(12)]
    effects = analyze(rows, [float(i) for i in range(12)])
    assert effects.single_valued == 1
    assert of(effects, "id").why == "12 values in 12 runs"
    assert of(effects, "rare").why == "too few runs per value: 11 + 1"
    assert of(effects, "rare").verdict == "cannot tell"
    assert found(effects) == ["lr"]
    few = analyze(rows[:4], [1.0, 2.0, 3.0, 4.0])
    assert {(one.verdict, one.why) for one in few.settings} == {("cannot tell", "4 runs are too few")}


@pytest.mark.parametrize("count", [1, 2, 5])
def test_any_few_runs_have_an_answer(count: int) -> None:
    effects = analyze(*drawn(1, count, hill))
    assert effects.runs == count
    assert found(effects) == []


@pytest.mark.parametrize("value", [0.0, 1.0, -3.5])
def test_a_metric_that_never_varies_follows_nothing(value: float) -> None:
    effects = analyze(drawn(1, 20, hill)[0], [value] * 20)
    assert {one.verdict for one in effects.settings} == {"noise"}
    assert {one.share for one in effects.settings} == {0.0}
    assert {one.p for one in effects.settings} == {None}
    assert (effects.is_varying, effects.unexplained, effects.interaction) == (False, None, None)


def test_a_conditional_setting_is_judged_where_it_is_there() -> None:
    def of_momentum(row: Row) -> float:
        return 2 * row.get("train.momentum", 0.0) + 3 * (row["train.optimizer"] == "adam")

    momentum = of(analyze(*drawn(3, 150, of_momentum)), "momentum")
    assert momentum.factor.condition == "train.optimizer=sgd"
    assert momentum.verdict == "effect"
    assert sum(level.n for level in momentum.levels) == sum(momentum.factor.present)
    only_by_optimizer = analyze(*drawn(3, 150, lambda row: 3.0 * (row["train.optimizer"] == "sgd")))
    assert of(only_by_optimizer, "momentum").verdict == "noise"
    assert of(only_by_optimizer, "optimizer").verdict == "effect"


def test_to_lack_a_setting_is_a_value_where_nothing_decides_it() -> None:
    random = np.random.default_rng(5)
    rows: list[Row] = [{"clip": 1.0, "x": i % 3} if random.integers(2) else {"x": i % 3} for i in range(40)]
    clip = of(analyze(rows, [("clip" in row) + 0.1 * float(random.normal()) for row in rows]), "clip")
    assert clip.verdict == "effect"
    assert [level.text for level in clip.levels] == ["-", "1"]


def test_an_outlier_hides_no_effect() -> None:
    rows, values = drawn(4, 40, hill, 0.1)
    values[7] = -1e9
    assert "learning_rate" in found(analyze(rows, values))


@pytest.mark.parametrize("seeds", [1, 3])
def test_replicates_tell_the_noise_between_seeds_and_make_no_new_settings(seeds: int) -> None:
    axes = {"lr": (0.001, 0.01, 0.1), "batch": (32, 64), "opt": ("adam", "sgd")}
    effects = analyze(*grid(0, axes, lambda row: {0.001: 0.0, 0.01: 1.0, 0.1: -1.0}[row["lr"]], seeds=seeds))
    assert found(effects) == ["lr"]
    assert (effects.runs, len(effects.points.configurations)) == (12 * seeds, 12)
    noise = effects.points.noise
    if seeds == 1:
        assert noise is None
        assert effects.seed_share is None
    else:
        assert noise is not None
        assert (noise.freedom, noise.groups, noise.runs) == (24, 12, 36)
        assert noise.deviation == pytest.approx(0.3, abs=0.1)
        assert effects.seed_share == pytest.approx(0.09 / (2 / 3 + 0.09), abs=0.1)


def test_many_seeds_of_few_settings_do_not_pass_for_many_settings() -> None:
    def of_ten(seed: int) -> Runs:
        random = np.random.default_rng(seed)
        rows: list[Row] = []
        values: list[float] = []
        for _ in range(10):
            row = {"lr": float(random.uniform()), "opt": str(random.choice(["a", "b"]))}
            place = float(random.normal())  # of no setting that is looked at
            rows += [{**row, "seed": one} for one in range(5)]
            values += [place + 0.1 * float(random.normal()) for _ in range(5)]
        return rows, values

    assert sum(bool(found(analyze(*of_ten(seed)))) for seed in SEEDS) <= 6


def test_runs_that_tell_no_seed_are_replicates() -> None:
    rows: list[Row] = [{"lr": 0.1 * (i % 2)} for i in range(12)]
    random = np.random.default_rng(0)
    values = [(i % 2) + 0.1 * float(random.normal()) for i in range(12)]
    effects = analyze(rows, values)
    assert (effects.points.repeats, len(effects.points.y)) == (0, 12)
    assert effects.points.noise is not None
    assert effects.points.noise.freedom == 10
    assert found(effects) == ["lr"]


def test_repeats_of_a_seed_count_once() -> None:
    rows, values = drawn(2, 12, lambda _: 0.0)
    effects = analyze(rows * 5, values * 5)
    assert (effects.points.repeats, len(effects.points.y)) == (48, 12)
    assert effects.points.noise is None
    assert found(effects) == found(analyze(rows, values))


def test_the_interaction_of_the_top_two_is_told() -> None:
    axes = {"lr": (1, 2, 3), "opt": ("adam", "sgd"), "x": (0, 1, 2, 3)}
    together = analyze(*grid(1, axes, lambda row: row["lr"] * (3.0 if row["opt"] == "adam" else -1.0))).interaction
    assert together is not None
    assert {together.one, together.other} == {"lr", "opt"}
    assert together.verdict == "effect"
    assert {cell.n for cell in together.cells} == {4}
    apart = analyze(*grid(1, axes, lambda row: row["lr"] + 3.0 * (row["opt"] == "adam"))).interaction
    assert apart is not None
    assert apart.verdict == "noise"


def test_effects_that_add_up_are_no_interaction() -> None:
    def adding(seed: int) -> Runs:
        return drawn(seed, 300, lambda row: hill(row) + 0.8 * (row["train.optimizer"] == "adam"), 0.1)

    assert sum(bool(pairs_of(analyze(*adding(seed)))) for seed in range(8)) <= 1


def test_settings_that_matter_only_together_are_not_called_idle() -> None:
    axes = {"a": (0, 1), "b": (0, 1), "c": (0, 1), "d": (0, 1, 2, 3)}
    effects = analyze(*grid(2, axes, lambda row: 2.0 * (row["a"] ^ row["b"])))
    assert (of(effects, "a").verdict, of(effects, "a").interacts_with) == ("noise", "b")
    assert (of(effects, "b").verdict, of(effects, "b").interacts_with) == ("noise", "a")
    assert of(effects, "c").interacts_with == ""
    assert [one.told for one in effects.settings] == ["only with b", "only with a", "noise", "noise"]


def test_no_p_is_below_what_the_ways_to_deal_out_few_runs_allow() -> None:
    random = np.random.default_rng(3)
    rare = [{"a": int(place >= 12), "b": place * 37 % 14} for place in range(14)]
    values = np.array([row["a"] + 1e-3 * random.normal() for row in rare])
    kinds = np.array([row["a"] for row in rare])
    alone = Permutations(values, kinds=kinds).p_alone(values[:, np.newaxis] > 0.5, np.full((14, 1), 14**-0.5))
    assert alone == pytest.approx(1 / 91)
    p = of(analyze(rare, values.tolist()), "a").p
    assert p is not None
    assert p >= 2 / 91 - 1e-9
    halves = [{"a": place // 4, "b": place * 3 % 8} for place in range(8)]
    p = of(analyze(halves, [row["a"] + 1e-3 * random.normal() for row in halves]), "a").p
    assert p is None or p >= 2 / 70 - 1e-9


def test_all_orders_deal_runs_out_to_configurations_in_each_way_once() -> None:
    kinds = np.array([1, 0, 1, 2, 0])
    orders = all_orders(kinds)
    ways = {tuple(tuple(sorted(order[kinds == kind])) for kind in range(3)) for order in orders}
    assert len(ways) == len(orders) == 5 * 4 * 3 * 2 // (2 * 2) - 1
    assert {tuple(sorted(order)) for order in orders} == {(0, 1, 2, 3, 4)}


def test_the_best_region_is_where_the_metric_is_no_worse_by_more_than_noise() -> None:
    effects = analyze(*drawn(6, 200, planted, 0.1))
    best = [level for level in of(effects, "learning_rate").levels if level.is_best]
    assert (best[0].low or 1) < 10**-2.5 < (best[-1].high or 0)
    assert of(effects, "optimizer").main.best == "adam"
    lower = analyze(*drawn(6, 200, planted, 0.1), is_lower_better=True)
    assert "adam" not in of(lower, "optimizer").main.best


def test_the_same_runs_have_the_same_answer() -> None:
    once, again = ([(one.name, one.p, one.share) for one in analyze(*drawn(7, 40, planted)).settings] for _ in range(2))
    assert once == again


@pytest.mark.parametrize(
    ("twin", "verdict"),
    [
        ({"v": lambda x: f"w{x}"}, "confounded"),
        ({"v": lambda x: f"w{x}", "third": lambda x: -x}, "confounded"),
        ({"arguments.u": str}, "effect"),
        ({"arguments.units": lambda x: x, "model.args": lambda x: [f"units={x}"]}, "effect"),
    ],
)
def test_copies_of_a_setting_are_one_factor_and_seeds_still_count(twin: dict[str, Any], verdict: str) -> None:
    rows, values = grid(3, {"u": (1, 2, 4)}, lambda row: float(row["u"]), seeds=3, noise=0.05)
    alone = analyze(rows, values)
    copied = analyze([{**row, **{key: of_u(row["u"]) for key, of_u in twin.items()}} for row in rows], values)
    assert (len(copied.points.y), copied.single_valued) == (9, 0)
    assert {one.verdict for one in copied.settings} == {verdict}
    assert copied.settings[0].p == alone.settings[0].p <= 0.05
    assert copied.settings[0].share == pytest.approx(alone.settings[0].share)


def test_arguments_stand_for_the_list_that_holds_them() -> None:
    rows, values = grid(3, {"units": (1, 2, 4), "depth": (1, 2)}, lambda row: float(row["units"]), seeds=3)
    doubled = [
        {
            "model.args": [f"units={row['units']}", f"depth={row['depth']}"],
            "arguments.units": row["units"],
            "arguments.depth": row["depth"],
            "train.seed": row["train.seed"],
        }
        for row in rows
    ]
    effects = analyze(doubled, values)
    assert {one.name for one in effects.settings} == {"arguments.units", "arguments.depth"}
    assert found(effects) == ["units"]


@pytest.mark.parametrize("power", [-1060, -500, -27, 27, 500, 1020])
def test_the_answer_is_the_same_in_any_unit(power: int) -> None:
    rows, values = drawn(1, 40, hill)
    plain, scaled = analyze(rows, values), analyze(rows, [math.ldexp(value, power) for value in values])
    for one, other in zip(plain.settings, scaled.settings, strict=True):
        assert (one.name, one.verdict, one.p) == (other.name, other.verdict, other.p)
        assert other.share == pytest.approx(one.share, rel=1e-3, abs=1e-6)
        if power > -1000:
            assert other.main.size == pytest.approx(math.ldexp(one.main.size, power), rel=1e-6)


def test_numbers_are_written_without_the_noise_of_their_last_digits() -> None:
    texts = [level.text for level in analyze([{"x": 0.1 * i} for i in range(1, 5)], [1.0] * 4).settings[0].levels]
    assert texts == ["0.1", "0.2", "0.3", "0.4"]
    near = [1.00000001, 1.00000002, 12345678901.0]
    texts = [level.text for level in analyze([{"x": x} for x in near], [1.0] * 3).settings[0].levels]
    assert texts == ["1.00000001", "1.00000002", "12345678901"]


def test_of_few_runs_no_pair_is_told() -> None:
    pair = analyze(*drawn(1, 8, hill)).interaction
    assert pair is None or pair.p is None


def test_few_configurations_are_not_called_runs() -> None:
    rows = [{"a": a, "b": b, "seed": seed} for a, b in ((0, 0), (0, 1), (1, 0)) for seed in range(3)]
    effects = analyze(rows, [float(i * 7 % 5) for i in range(9)])
    assert {one.why for one in effects.settings} == {"3 configurations of 9 runs are too few"}


def test_what_settings_do_is_judged_by_the_noise_between_seeds_and_not_by_one_another() -> None:
    means = {(0.1, "adam"): 0.0, (0.1, "sgd"): 3.0, (0.01, "adam"): 5.0, (0.01, "sgd"): 9.0}
    means |= {(0.001, "adam"): 2.0, (0.001, "sgd"): 11.0}
    axes = {"lr": (0.1, 0.01, 0.001), "opt": ("adam", "sgd")}
    effects = analyze(*grid(0, axes, lambda row: means[row["lr"], row["opt"]], seeds=2))
    assert sorted(found(effects)) == ["lr", "opt"]
    assert pairs_of(effects) in (["lr opt"], ["opt lr"])
    assert effects.explained > 0.95


@pytest.mark.parametrize("lost", [0, 1])
@pytest.mark.parametrize("large", [0.0, 40.0])
def test_beside_large_effects_of_others_seeds_tell_effect_from_noise(large: float, lost: int) -> None:
    axes, shown, missed = {"a": (0, 1), "b": ("x", "y"), "c": (1, 2, 3)}, 0, 0
    for seed in range(40):
        rows, values = grid(seed, axes, lambda row: large * (row["b"] == "x") + 2.0 * (row["c"] == 3), seeds=2)
        effects = analyze(rows[lost:], values[lost:])
        shown += "a" in found(effects) or any("a" in pair.split() for pair in pairs_of(effects))
        missed += "c" not in found(effects)
    assert shown <= 4  # 1.3 are expected
    assert missed == 0


def test_of_few_runs_without_seeds_two_effects_do_not_hide_one_another() -> None:
    axes = {"a": (0, 1, 2), "b": ("x", "y"), "c": (0, 1)}
    all_found = [
        found(analyze(*grid(seed, axes, lambda row: 2.0 * row["a"] + 4.0 * (row["b"] == "x"), noise=0.5)))
        for seed in range(20)
    ]
    assert sum({"a", "b"} <= set(each) for each in all_found) >= 18
    assert sum("c" in each for each in all_found) <= 3


def test_few_runs_that_could_show_nothing_are_not_called_noise() -> None:
    rows = [{"a": a, "b": b, "c": c} for a in (0, 1) for b in (0, 1) for c in (0, 1)]
    effects = analyze(rows, [float(row["a"]) + 0.01 * i for i, row in enumerate(rows)])
    assert {one.verdict for one in effects.settings} == {"cannot tell"}
    assert {one.why for one in effects.settings} == {"too few runs: no p of 8 runs is below 0.086"}


def test_where_nothing_matters_seeds_show_something_once_in_twenty() -> None:
    axes = {"a": (0, 1, 2), "b": ("x", "y")}
    all_found = [analyze(*grid(seed, axes, lambda _: 0.0, seeds=2)) for seed in range(100)]
    assert sum(bool(found(effects) or pairs_of(effects)) for effects in all_found) <= 10  # 5 are expected


@pytest.mark.parametrize("count", [7, 40])
def test_the_order_of_the_runs_changes_nothing(count: int) -> None:
    rows, values = drawn(9, count, planted)
    order = np.random.default_rng(0).permutation(count)
    told = {one.name: (one.p, one.verdict) for one in analyze(rows, values).settings}
    other = analyze([rows[i] for i in order], [values[i] for i in order])
    assert {one.name: (one.p, one.verdict) for one in other.settings} == told
    assert [other.points.y[place] for place, _ in enumerate(rows)] == sorted(values)


def test_shares_of_noise_are_no_more_than_what_is_unexplained() -> None:
    for seed in range(10):
        effects = analyze(*drawn(seed, 14, lambda _: 0.0))
        noise = [one.share for one in effects.settings if one.verdict == "noise"]
        assert effects.unexplained is not None
        assert sum(noise) <= effects.unexplained + 1e-9


def test_what_follows_from_a_setting_of_a_grid_is_not_told_from_it() -> None:
    rows, values = grid(3, {"a": (1, 2, 3), "b": ("x", "y")}, lambda row: 2.0 * row["a"], seeds=2)
    effects = analyze([{**row, "is_deep": row["a"] > 1} for row in rows], values)
    assert [(one.name, one.verdict) for one in effects.settings] == [
        ("a", "effect"),
        ("is_deep", "confounded"),
        ("b", "noise"),
    ]
    whole = analyze([{**row, "args": f"{row['a']} {row['b']}"} for row in rows], values)
    assert of(whole, "args").why == "6 values in 6 configurations"
    assert of(whole, "a").verdict == "effect"


def test_random_configurations_are_no_grid_whatever_their_seeds() -> None:
    shown = 0
    for seed in range(40):
        random = np.random.default_rng(seed)
        own = [{"lr": float(random.uniform()), "opt": "ab"[place % 2], "k": place // 2 % 3} for place in range(6)]
        place = [float(random.normal()) for _ in own]  # of no setting that is looked at
        rows = [{**row, "seed": one} for row in own for one in range(3)]
        shown += bool(found(analyze(rows, [place[i // 3] + 0.01 * float(random.normal()) for i in range(18)])))
    assert shown <= 5


def test_few_runs_of_any_settings_have_shares_that_add_up() -> None:
    for seed in range(60):
        random = np.random.default_rng(seed)
        count = int(random.choice([3, 6, 7, 10, 18]))
        rows: list[Row] = [{"seed": int(random.integers(3))} if seed % 2 else {} for _ in range(count)]
        for key in "abcd":
            kind = random.integers(4)
            for place, row in enumerate(rows):
                drawn_value = (float(random.uniform()), int(random.integers(5)), "xyz"[random.integers(3)], place // 2)
                if kind != 1 or random.uniform() < 0.7:
                    row[key] = drawn_value[kind]
        effects = analyze(rows, [float(value) for value in random.normal(size=count)])
        assert all(one.p is None or 0 <= one.p <= 1 for one in effects.settings)
        if effects.unexplained is not None:
            assert effects.explained + (effects.seed_share or 0.0) + effects.unexplained == pytest.approx(1.0)


def test_a_setting_that_is_there_or_not_and_no_more_divides_nothing_by_zero() -> None:
    random = np.random.default_rng(0)
    rows: list[Row] = [{"model": "abc"[i % 3], "x": i // 2, **({"dropout": 0.5} if i % 3 else {})} for i in range(12)]
    effects = analyze(rows, [float(value) for value in random.normal(size=12)])
    assert found(effects) == []


def test_no_effect_is_told_where_a_larger_one_cannot_be() -> None:
    rows = [{"bias": bias, "shift": shift, "name": name} for bias in (1, 0) for shift in (-2, 3) for name in ("x", "y")]
    values = [5.48, 5.48, 11.53, 11.53, 4.80, 4.80, 9.71, 9.71]  # without any noise, and without seeds
    effects = analyze(rows, values)
    assert {one.verdict for one in effects.settings} == {"cannot tell"}
    assert "shift does more" in next(one.why for one in effects.settings if one.name == "bias")
