"""Sizes and durations as people read them."""

import pytest

from tunewright.compiler.render.quantities import duration, figure, rough_duration, share_of_size, size


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (4_900_000, "4.9 MB"),
        (113_400_000, "113 MB"),
        (999_600, "1.0 MB"),
        (2.6e9, "2.6 GB"),
        (8e13, "80 TB"),
    ],
)
def test_size(count: float, text: str) -> None:
    assert size(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.14, "0.1s"),
        (9.94, "9.9s"),
        (9.96, "10s"),
        (59.6, "1m 00s"),
        (127, "2m 07s"),
        (3599.7, "1h 00m"),
        (3900, "1h 05m"),
        (183_600, "2d 03h"),
    ],
)
def test_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_estimates_are_not_more_exact_than_they_are() -> None:
    assert [rough_duration(seconds) for seconds in (3.4, 11, 128, 4000)] == ["3.4s", "10s", "2m 10s", "1h 07m"]


def test_share_of_size_has_one_unit() -> None:
    assert share_of_size(2_600_000_000, 2_900_000_000) == "2.6/2.9 GB"
    assert share_of_size(100_000_000, 2_900_000_000) == "0.1/2.9 GB"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.412, "0.412"),
        (431.2, "431.2"),
        (9, "9"),
        (2.0e-4, "0.0002"),
        (5e-5, "5e-05"),
        (12345.6, "12346"),
        (24.0, "24"),
        (float("inf"), "inf"),
        (float("nan"), "nan"),
    ],
)
def test_figure(value: float, text: str) -> None:
    assert figure(value) == text
