"""Whether an estimate fits: certainly, probably, or not. The margin is how far measurements lie above estimates."""

from enum import StrEnum

#: 95 of 100 published measurements are below the estimate times this (`benchmarks/estimate.py`).
UPPER_FACTOR = 1.28


class Fit(StrEnum):
    """`FITS`: the upper end of the estimate is below the capacity; `TIGHT`: only its middle is."""

    FITS = "fits"
    TIGHT = "tight"
    TOO_LARGE = "too large"


def fit_of(memory_bytes: int, capacity_bytes: int) -> Fit:
    """Say how an estimated peak fits into a capacity; both in bytes."""
    if memory_bytes * UPPER_FACTOR <= capacity_bytes:
        return Fit.FITS
    return Fit.TIGHT if memory_bytes <= capacity_bytes else Fit.TOO_LARGE
