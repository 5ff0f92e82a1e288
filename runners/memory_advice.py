"""What to say when memory ran out: the estimate beside the measured peak, and what would have fitted. Pure."""

from collections.abc import Mapping
from typing import Any

_GENERAL = "use a smaller batch, max_length or precision, or a machine with more memory"
_MOST = 3


def memory_message(what: str, estimate: Mapping[str, Any], peak_bytes: int | None) -> str:
    """Return `what` with the figures that are known."""
    measured = [f"measured peak {_gigabytes(peak_bytes)}"] if peak_bytes else []
    known = [
        f"{word} {_gigabytes(estimate[key])}"
        for word, key in (("estimated", "memory_bytes"), ("available", "capacity_bytes"))
        if estimate.get(key)
    ]
    return f"{what}: {', '.join([*measured, *known])}" if measured or known else what


def memory_help(estimate: Mapping[str, Any], peak_bytes: int | None) -> str:
    """Return the cheapest changes that would fit; where the estimate was too low, so are those of the changes."""
    expected, capacity = estimate.get("memory_bytes"), estimate.get("capacity_bytes")
    if not expected or not capacity:
        return _GENERAL
    # What ran out needed at least all there is, however little had been taken when it was refused more.
    factor = max(peak_bytes or 0, capacity, expected) / expected
    fitting = [item for item in estimate.get("savings", ()) if item["memory_bytes"] * factor <= capacity]
    if not fitting:
        return f"no single change to the step would fit: {_GENERAL}"
    return "what would fit, the cheapest first: " + "; ".join(
        f"{item['change']} ({_gigabytes(int(item['memory_bytes'] * factor))}{_slower(item, estimate)})"
        for item in fitting[:_MOST]
    )


def _slower(item: Mapping[str, Any], estimate: Mapping[str, Any]) -> str:
    if not item.get("seconds") or not estimate.get("seconds"):
        return ""
    return f", {100 * (item['seconds'] / estimate['seconds'] - 1):+.0f} % time"


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:.1f} GB"
