"""Files that may change while the daemon runs: read again when they do, kept as they were when they can't be read."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

_log = logging.getLogger(__name__)
Value = TypeVar("Value")
_Signature = tuple[tuple[int, int, int], ...]


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
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def __post_init__(self) -> None:
        self._seen = self._signature()
        self._value = self.load()

    def get(self) -> Value:
        """Return the value of the files as they are now. Called from any thread."""
        with self._lock:
            try:
                signature = self._signature()
                if signature != self._seen:
                    self._seen = signature
                    self._value = self.load()
                    self._trouble = ""
                    _log.info("read %s again", ", ".join(map(str, self.paths)))
            except (OSError, ValueError) as error:
                if str(error) != self._trouble:
                    self._trouble = str(error)
                    _log.error("%s; what was read of it before stays", error)  # noqa: TRY400
            return self._value

    def _signature(self) -> _Signature:
        stats = [path.stat() for path in self.paths]
        return tuple((item.st_ino, item.st_mtime_ns, item.st_size) for item in stats)
