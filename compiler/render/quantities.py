"""Sizes, durations and figures as people read them."""

from math import isfinite

_UNITS = {"B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12}


def size(count: float) -> str:
    """Return bytes as `113 MB` (powers of ten, two or three digits)."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 999.5:
            return _rounded(count, unit)
        count /= 1000
    return _rounded(count, "TB")


def share_of_size(used: float, whole: float) -> str:
    """Return `2.6/2.9 GB`, both in the unit of the whole."""
    unit = size(whole).split()[1]
    parts = [f"{count / _UNITS[unit]:.1f}" if unit != "B" else f"{count:.0f}" for count in (used, whole)]
    return f"{'/'.join(parts)} {unit}"


def duration(seconds: float) -> str:
    """Return seconds as `3.4s`, `40s`, `2m 07s`, `1h 05m` or `2d 03h`."""
    if seconds < 9.95:
        return f"{seconds:.1f}s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m {whole % 60:02d}s"
    minutes = round(seconds / 60)
    if minutes < 1440:
        return f"{minutes // 60}h {minutes % 60:02d}m"
    hours = round(seconds / 3600)
    return f"{hours // 24}d {hours % 24:02d}h"


def rough_duration(seconds: float) -> str:
    """Return an estimate without false precision: to 5 seconds below ten minutes, to minutes above."""
    step = 5 if seconds < 600 else 60
    return duration(max(step, round(seconds / step) * step)) if seconds >= 10 else duration(seconds)


def figure(value: float) -> str:
    """Return a measured number in at most four significant digits, small ones as `2e-04`."""
    if not isfinite(value):
        return str(value)
    if isinstance(value, int) or value == int(value):
        return str(int(value)) if abs(value) < 1e9 else f"{value:.3g}"
    if abs(value) < 0.001:
        return f"{value:.2g}"
    return f"{value:.3f}" if abs(value) < 10 else (f"{value:.1f}" if abs(value) < 1000 else f"{value:.0f}")


def counted(number: int, word: str) -> str:
    """Return `1 error`, `2 errors`."""
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def ordinal(number: int) -> str:
    """Return `1st`, `2nd`, `3rd`, `11th`."""
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def _rounded(count: float, unit: str) -> str:
    return f"{count:.1f} {unit}" if count < 9.95 and unit != "B" else f"{count:.0f} {unit}"
