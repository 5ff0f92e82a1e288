"""Progress of a download as events: bytes done and all, at most a few times a second; cancelling stops it."""

import threading
import time
from typing import Any, ClassVar

from tunewright.runners.sdk import Reporter

_SECONDS_BETWEEN = 0.5


def byte_progress(report: Reporter) -> type:
    """Return a class that huggingface_hub takes for a progress bar."""

    class Bar:
        """Looks like tqdm as far as the library uses it; only the bar that counts written bytes reports."""

        # One lock for all bars: files arrive in threads.
        lock: ClassVar[Any] = threading.RLock()

        def __init__(self, iterable: Any = None, *, total: float | None = None, desc: str = "", **more: Any) -> None:
            self._iterable = iterable
            self.total, self.n = total, more.get("initial") or 0
            self._reports = more.get("unit") == "B" and desc.startswith("Reconstructing")
            self._last = 0.0

        def __iter__(self) -> Any:
            return iter(self._iterable)

        def update(self, n: float | None = 1) -> None:
            with self.lock:
                self.n += n or 0
                if not self._reports:
                    return
                report.check_cancelled()
                now = time.monotonic()
                if now - self._last >= _SECONDS_BETWEEN or self.n == self.total:
                    self._last = now
                    report.progress(self.n, self.total or self.n, "bytes")

        def refresh(self, *_: Any, **__: Any) -> None: ...

        close = set_description = set_description_str = set_postfix_str = clear = refresh

        @classmethod
        def get_lock(cls) -> Any:
            return cls.lock

        @classmethod
        def set_lock(cls, lock: Any) -> None:
            cls.lock = lock

        def __enter__(self) -> "Bar":
            return self

        def __exit__(self, *_: object) -> None: ...

    return Bar
