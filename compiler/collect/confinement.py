"""Where files may lie that a spec names, for a spec of somebody who must not read everything on this machine."""

import errno
from contextvars import ContextVar
from pathlib import Path

_FOLDERS: ContextVar[tuple[Path, ...] | None] = ContextVar("tunewright_folders", default=None)


class OutsideError(OSError):
    """A path leads out of the folders that may be read."""


def confine(folders: tuple[Path, ...] | None) -> None:
    """Let the current thread's context read in these folders only; None for no bounds."""
    _FOLDERS.set(None if folders is None else tuple(folder.resolve() for folder in folders))


def inside(path: Path) -> Path:
    """Return the path when it may be read, links followed; raise OutsideError. Nothing is said of what lies there."""
    folders = _FOLDERS.get()
    if folders is None:
        return path
    meant = path.resolve()
    if not any(meant.is_relative_to(folder) for folder in folders):
        raise OutsideError(errno.EACCES, "it lies outside of the project's folders", str(path))
    return path
