"""Where files may lie that a spec names, for a spec of somebody who must not read everything on this machine."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

_FOLDERS: ContextVar[tuple[Path, ...] | None] = ContextVar("tunewright_folders", default=None)


class OutsideError(OSError):
    """A path leads out of the folders that may be read."""


class NotAFileError(OSError):
    """What lies there is a pipe, a socket or a device: reading it might never end."""

    def __init__(self, path: Path) -> None:
        super().__init__(errno.EINVAL, f"`{path.name}` is no regular file", str(path))


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


def hold_folder(folder: Path) -> None:
    """Raise OSError where something that lies in a folder must not be read, before any of it is."""
    for path in folder.iterdir():
        if not path.name.startswith(".") and inside(path).exists() and not (path.is_file() or path.is_dir()):
            raise NotAFileError(path)


@contextmanager
def everybodys() -> Iterator[None]:
    """Lift the bounds while something is read that belongs to the machine, not to a project: packages, hub caches."""
    before = _FOLDERS.get()
    _FOLDERS.set(None)
    try:
        yield
    finally:
        _FOLDERS.set(before)
