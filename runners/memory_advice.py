"""What to say when memory ran out: the estimate beside the measured peak, and what would have fitted. Pure."""

import re
from collections.abc import Mapping
from typing import Any

_GENERAL = "use a smaller batch, max_length or precision, or a machine with more memory"
_MOST = 3
#: A step that wanted less than this share of what the plan counts on, and was refused, did not have that much.
_NEARLY_ALL = 0.8
_SAME_TIME = 0.005
#: How torch says what it was refused, for processors and for accelerators.
_REFUSED = re.compile(r"tried to allocate ([\d.]+) (bytes|KiB|MiB|GiB)", re.IGNORECASE)
_UNITS = {"bytes": 1, "kib": 2**10, "mib": 2**20, "gib": 2**30}


def refused_bytes(words: str) -> int:
    """Return how much the allocation that failed was to have, as a library's error says it; 0 where it does not."""
    found = _REFUSED.search(words)
    return int(float(found[1]) * _UNITS[found[2].lower()]) if found else 0


def memory_message(what: str, estimate: Mapping[str, Any], peak_bytes: int | None, refused: int = 0) -> str:
    """Return `what` with the figures that are known; `refused` bytes were asked for beyond the peak."""
    capacity = estimate.get("capacity_bytes")
    more = f" and {_size(refused)} more refused" if refused else ""
    parts = [f"measured peak {_size(peak_bytes)}{more}"] if peak_bytes else []
    parts += [
        f"{word} {_size(estimate[key])}"
        for word, key in (("estimated", "memory_bytes"), ("available", "capacity_bytes"))
        if estimate.get(key)
    ]
    less = ""
    if capacity and peak_bytes and _there(capacity, peak_bytes, refused) < capacity:
        less = f"; of {_size(capacity)} this step could not have more: other processes, or a limit, kept it"
    return f"{what}: {', '.join(parts)}{less}" if parts else what


def memory_help(estimate: Mapping[str, Any], peak_bytes: int | None, refused: int = 0) -> str:
    """Return the cheapest changes that would fit; where the estimate was too low, so are those of the changes."""
    expected, capacity = estimate.get("memory_bytes"), estimate.get("capacity_bytes")
    if not expected or not capacity:
        return _GENERAL
    there = _there(capacity, peak_bytes or capacity, refused)
    # What ran out needed at least all there was, however little had been taken when it was refused more.
    factor = max((peak_bytes or 0) + refused, there, expected) / expected
    fitting = [item for item in estimate.get("savings", ()) if item["memory_bytes"] * factor <= there]
    if fitting:
        return f"what would fit, the cheapest first: {_listed(fitting, estimate, factor)}"
    if there == capacity:
        return f"no single change to the step would fit: {_GENERAL}"
    least = sorted(estimate.get("savings", ()), key=lambda item: item["memory_bytes"])
    needs = f"; what needs least: {_listed(least, estimate, factor)}" if least else ""
    return f"leave it {_size(int(expected * factor))}, by ending other processes or raising the limit{needs}"


def _there(capacity: int, peak_bytes: int, refused: int) -> int:
    """Return how much memory there was: less than the plan counts on where far less than that was refused."""
    return capacity if peak_bytes + refused >= _NEARLY_ALL * capacity else peak_bytes


def _listed(savings: list[Mapping[str, Any]], estimate: Mapping[str, Any], factor: float) -> str:
    return "; ".join(
        f"{item['change']} ({_size(int(item['memory_bytes'] * factor))}{_slower(item, estimate)})"
        for item in savings[:_MOST]
    )


def _slower(item: Mapping[str, Any], estimate: Mapping[str, Any]) -> str:
    if not item.get("seconds") or not estimate.get("seconds"):
        return ""
    change = item["seconds"] / estimate["seconds"] - 1
    return f", {100 * change:+.0f} % time" if abs(change) >= _SAME_TIME else ", the same time"


def _size(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"
