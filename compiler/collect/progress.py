"""Tell how far the reading of a long file is."""

from collections.abc import Callable
from pathlib import Path

Progress = Callable[[str, int, int], None]
"""Told the file as written, the bytes read so far and the bytes in all."""

Read = Callable[[int], None]
"""Told the bytes of each piece that was read."""


def unheard(_: int) -> None:
    """Tell nobody."""


def following(progress: Progress | None, written: str, path: Path) -> Read:
    """Return what is to be told of each piece of a file, so that `progress` hears the sum; raise OSError."""
    if progress is None:
        return unheard
    done, whole = 0, path.stat().st_size

    def read(count: int) -> None:
        nonlocal done
        done = min(whole, done + count)
        progress(written, done, whole)

    return read
