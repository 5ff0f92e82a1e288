"""Files that may change while the daemon runs: read again when they do, kept as they were when they can't be read."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

_log = logging.getLogger(__name__)
#: For so long nothing is read again after a reading that could not be made.
_REST_SECONDS = 1.0
Value = TypeVar("Value")
_Signature = tuple[tuple[int, int, int] | None, ...]


@dataclass(slots=True)
class Reloaded(Generic[Value]):
    """A value made of files. The first reading raises what `load` raises; a later one that fails leaves the old value.

    Files are put in place by renaming: one that is half written, or a key without its certificate, is such a failure.
    """

    paths: tuple[Path, ...]
    load: Callable[[], Value]
    _value: Value = field(init=False)
    _seen: _Signature = field(init=False)
    _trouble: str = field(default="", init=False)
    _rests_until: float = field(default=0.0, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def __post_init__(self) -> None:
        self._seen = self._signature()
        self._value = self.load()

    def get(self) -> Value:
        """Return the value of the files as they are now. Called from any thread."""
        with self._lock:
            try:
                signature = self._signature()
                if signature != self._seen and time.monotonic() >= self._rests_until:
                    self._read(signature)
            except OSError as error:
                # It may have nothing to do with what the files say: no memory, no descriptors. The change still counts.
                self._rests_until = time.monotonic() + _REST_SECONDS
                self._tell(error)
            return self._value

    def _read(self, signature: _Signature) -> None:
        try:
            self._value = self.load()
        except ValueError as error:
            self._tell(error)
        else:
            self._trouble = ""
            _log.info("read %s again", ", ".join(map(str, self.paths)))
        self._seen = signature

    def _tell(self, error: Exception) -> None:
        if str(error) != self._trouble:
            self._trouble = str(error)
            _log.error("%s; what was read of it before stays", error)

    def _signature(self) -> _Signature:
        return tuple(_look_of(path) for path in self.paths)


def _look_of(path: Path) -> tuple[int, int, int] | None:
    """A file that is not there is one more way for it to be: `load` says whether that can be."""
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
