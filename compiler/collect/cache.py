"""What was learned of a file that has not changed since: one small JSON file for each file looked at."""

import contextlib
import errno
import hashlib
import json
import os
import stat
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tunewright.compiler.collect.confinement import NotAFileError

#: A file touched this shortly ago may change again without its time changing: it is read anew the next time.
_UNSETTLED_NANOSECONDS = 20_000_000
#: How often a file that changes while it is read is read before that is said.
_READINGS = 2


class ChangingFileError(OSError):
    """A file was not the same before and after it was read, twice in a row."""

    def __init__(self, path: Path) -> None:
        super().__init__(errno.EBUSY, "it changes while it is read; try again when nothing writes to it", str(path))


class FactCache:
    """A folder of remembered facts. Losing it, or not being able to write it, costs time and nothing else.

    Each entry is a line of JSON, which says what the entry is and holds the digest of the rest, and then the facts:
    what was damaged on disk is not believed, but gathered anew. `damaged` tells that there was such an entry.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or default_folder()
        self.damaged = False

    def get(self, kind: str, name: str, stamp: object) -> dict[str, Any] | None:
        """Return what was put for `name` while its stamp was `stamp`, or None."""
        try:
            head, _, body = self._file(kind, name).read_bytes().partition(b"\n")
        except FileNotFoundError:
            return None
        except OSError:
            self.damaged = True
            return None
        try:
            entry = json.loads(head)
            if entry["sha256"] == hashlib.sha256(body).hexdigest():
                value: dict[str, Any] = json.loads(body)
                return value if entry["name"] == name and entry["stamp"] == stamp else None
        except (ValueError, KeyError, TypeError, RecursionError):
            pass
        self.damaged = True
        return None

    def put(self, kind: str, name: str, stamp: object, value: Mapping[str, Any]) -> None:
        """Remember `value` for `name`, in place of what was remembered before."""
        file = self._file(kind, name)
        aside = file.with_name(f".{file.name}.{os.getpid()}.{time.monotonic_ns()}")
        body = json.dumps(value).encode()
        head = json.dumps({"name": name, "stamp": stamp, "sha256": hashlib.sha256(body).hexdigest()}).encode()
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            aside.write_bytes(head + b"\n" + body)
            aside.replace(file)
        except OSError:
            with contextlib.suppress(OSError):
                aside.unlink()

    def _file(self, kind: str, name: str) -> Path:
        return self.folder / kind / hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:32]


def default_folder() -> Path:
    """Return `facts` under TUNEWRIGHT_CACHE, or under the platform's cache folder when that is not set."""
    if root := os.environ.get("TUNEWRIGHT_CACHE"):
        return Path(root) / "facts"
    import platformdirs

    return Path(platformdirs.user_cache_dir("tunewright", appauthor=False)) / "facts"


def remembered(
    cache: FactCache | None, kind: str, path: Path, look: Callable[[Path], Mapping[str, Any]], variant: str = ""
) -> Mapping[str, Any]:
    """Return `look(path)`, or what it said of the same unchanged file before; `variant` tells apart ways of looking.

    A file that changes meanwhile is looked at once more; raises ChangingFileError when it changes then too.
    """
    before = _stamp(path)
    name = f"{path.resolve()}\n{variant}" if variant else str(path.resolve())
    if cache is not None and (known := cache.get(kind, name, before)) is not None:
        return known
    for _ in range(_READINGS):
        started = time.time_ns()
        value = look(path)
        after = _stamp(path)
        if after == before:
            changed = max(before[1], before[2])
            if cache is not None and started - changed > _UNSETTLED_NANOSECONDS:
                cache.put(kind, name, before, value)
            return value
        before = after
    raise ChangingFileError(path)


def _stamp(path: Path) -> list[int]:
    """Return what changes when a file's content does: size, time of content, time of inode, inode."""
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise NotAFileError(path)
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]
