"""Use that fades: half of it counts after a day, however it is added up."""

import pytest

from tunewright.daemon.queue.share import HALF_LIFE_MILLISECONDS, Use, used

HOUR = 3_600_000


def test_half_is_left_after_a_day() -> None:
    use = Use(1000.0, 0)
    assert use.at(HALF_LIFE_MILLISECONDS) == pytest.approx(500.0)
    assert use.at(3 * HALF_LIFE_MILLISECONDS) == pytest.approx(125.0)


def test_a_clock_that_was_turned_back_changes_nothing() -> None:
    assert Use(1000.0, HOUR).at(0) == 1000.0
    assert used(4, HOUR, 0) == 0.0


def test_minutes_count_whole_and_weeks_do_not() -> None:
    assert used(8, 0, 60_000) == pytest.approx(8 * 60, rel=1e-3)
    assert used(1, 0, 1000 * HALF_LIFE_MILLISECONDS) == pytest.approx(86_400 / 0.6931, rel=1e-3)


def test_one_long_hold_counts_as_two_that_follow_each_other() -> None:
    first = Use(used(2, 0, 5 * HOUR), 5 * HOUR)
    assert used(2, 0, 9 * HOUR) == pytest.approx(first.at(9 * HOUR) + used(2, 5 * HOUR, 9 * HOUR))
