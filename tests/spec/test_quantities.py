"""Amounts with units: what a spec may say of time and memory, and what nobody can count."""

import pytest

from tunewright.spec.model.section import parse_duration, parse_size


@pytest.mark.parametrize("text", ["0GiB", "9999999999999999TiB", "9" * 400 + "TiB", "9" * 5000 + "MB", "nan GiB"])
def test_sizes_that_nobody_can_count_are_none(text: str) -> None:
    assert parse_size(text) is None


@pytest.mark.parametrize("text", ["99999999999999d", "9" * 400 + "s", "9" * 5000 + "h", "36600d 1s"])
def test_times_that_nobody_lives_to_see_are_none(text: str) -> None:
    assert parse_duration(text) is None


def test_the_largest_amounts_that_are() -> None:
    assert parse_size("8191TiB") == 8191 * 2**40
    assert parse_duration("36600d") == 36600 * 86400
