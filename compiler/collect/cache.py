"""What was learned of a file that has not changed since: one small JSON file for each file looked at."""

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

#: A file touched this shortly ago may change again without its time changing: it is read anew the next time.
_UNSETTLED_NANOSECONDS = 20_000_000


class FactCache:
    """A folder of remembered facts. Losing it, or not being able to write it, costs time and nothing else."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or default_folder()

    def get(self, kind: str, name: str, stamp: object) -> dict[str, Any] | None:
        """Return what was put for `name` while its stamp was `stamp`, or None."""
        try:
            entry = json.loads(self._file(kind, name).read_text(encoding="utf-8"))
            if entry["name"] == name and entry["stamp"] == stamp and isinstance(entry["value"], dict):
                value: dict[str, Any] = entry["value"]
                return value
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            pass
        return None

    def put(self, kind: str, name: str, stamp: object, value: Mapping[str, Any]) -> None:
        """Remember `value` for `name`, in place of what was remembered before."""
        file = self._file(kind, name)
        aside = file.with_name(f".{file.name}.{os.getpid()}.{time.monotonic_ns()}")
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            aside.write_text(json.dumps({"name": name, "stamp": stamp, "value": value}), encoding="utf-8")
            aside.replace(file)
        except OSError:
            with contextlib.suppress(OSError):
                aside.unlink()

    def _file(self, kind: str, name: str) -> Path:
        return (
            self._folder / kind / (hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:32] + ".json")
        )


def default_folder() -> Path:
    """Return `facts` under TUNEWRIGHT_CACHE, or under the platform's cache folder when that is not set."""
    if root := os.environ.get("TUNEWRIGHT_CACHE"):
        return Path(root) / "facts"
    import platformdirs

    return Path(platformdirs.user_cache_dir("tunewright", appauthor=False)) / "facts"


def remembered(
    cache: FactCache | None, kind: str, path: Path, look: Callable[[Path], Mapping[str, Any]], variant: str = ""
) -> Mapping[str, Any]:
    """Return `look(path)`, or what it said of the same unchanged file before; `variant` tells apart ways of looking."""
    if cache is None:
        return look(path)
    before = _stamp(path)
    name = f"{path.resolve()}\n{variant}" if variant else str(path.resolve())
    if (known := cache.get(kind, name, before)) is not None:
        return known
    started = time.time_ns()
    value = look(path)
    changed = max(before[1], before[2])
    if _stamp(path) == before and started - changed > _UNSETTLED_NANOSECONDS:
        cache.put(kind, name, before, value)
    return value


def _stamp(path: Path) -> list[int]:
    """Return what changes when a file's content does: size, time of content, time of inode, inode."""
    status = path.stat()
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]
