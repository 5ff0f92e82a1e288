"""Data sets are mixed by their weights, to where the rule says, and always in the same way."""

from collections import Counter

import pytest

from tunewright.runners.training.mixing import mixed_order

SETS = {"small": [f"s{n}" for n in range(100)], "large": [f"l{n}" for n in range(1000)]}


def mixed(sets: dict[str, list[str]], weights: dict[str, float], how: str, seed: int) -> list[str]:
    order = mixed_order({name: len(rows) for name, rows in sets.items()}, weights, how, seed)
    return [sets[name][index] for name, index in order]


def of(rows: list[str]) -> Counter[str]:
    return Counter(row[0] for row in rows)


def test_concat_repeats_by_weight_in_the_order_written() -> None:
    rows = mixed(SETS, {"small": 2.5, "large": 0.5}, "concat", 7)
    assert of(rows) == {"s": 250, "l": 500}
    assert rows[:100] == SETS["small"]


def test_first_exhausted_ends_with_the_first_set_that_is_used_up() -> None:
    rows = mixed(SETS, {"small": 1.0, "large": 3.0}, "first_exhausted", 7)
    counts = of(rows)
    assert counts["s"] == 100
    assert counts["l"] / counts["s"] == pytest.approx(3, rel=0.25)
    assert rows[-1] == "s99"
    assert len(set(rows)) == len(rows), "nothing is seen twice"


def test_all_exhausted_sees_every_row_and_begins_again() -> None:
    rows = mixed(SETS, {"small": 1.0, "large": 1.0}, "all_exhausted", 7)
    counts = of(rows)
    assert counts["l"] == 1000
    assert set(rows) == {*SETS["small"], *SETS["large"]}
    assert counts["s"] / counts["l"] == pytest.approx(1, rel=0.2)


@pytest.mark.parametrize("how", ["concat", "first_exhausted", "all_exhausted"])
def test_the_seed_decides(how: str) -> None:
    weights = {"small": 0.7, "large": 0.3}
    assert mixed(SETS, weights, how, 7) == mixed(SETS, weights, how, 7)
    assert mixed(SETS, weights, how, 7) != mixed(SETS, weights, how, 8)
