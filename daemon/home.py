"""The folder that a daemon owns: where things lie in it, and the lock that says it is owned."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_cache_path

from tunewright.daemon.engine.states import DEFAULT_PROJECT


class HomeTakenError(RuntimeError):
    """Another daemon owns the home."""


@dataclass(frozen=True, slots=True)
class Home:
    """Paths under TUNEWRIGHT_HOME."""

    root: Path

    @property
    def database(self) -> Path:
        """The store."""
        return self.root / "control.db"

    @property
    def points(self) -> Path:
        """The store of points of training, which can be made anew."""
        return self.root / "metrics.db"

    @property
    def socket(self) -> Path:
        """The Unix socket that the daemon listens on."""
        return self.root / "daemon.sock"

    @property
    def peers(self) -> Path:
        """The folder of the addresses that connections from shared sockets get."""
        return self.root / "peers"

    @property
    def log(self) -> Path:
        """The daemon's log, JSON lines."""
        return self.root / "daemon.log"

    def bundle(self, run: str, step: str, attempt: int) -> Path:
        """Return the folder of one attempt."""
        return self.root / "bundles" / run / step / str(attempt)

    def artifact(self, digest: str) -> Path:
        """Return the folder of an artifact, whether it is there or not."""
        name = digest.removeprefix("sha256:")
        return self.root / "artifacts" / "sha256" / name[:2] / name

    def secrets(self, project: str) -> Path:
        """Return the folder that holds one file a secret of a project, whether it is there or not."""
        if project == DEFAULT_PROJECT:
            return self.root / "secrets"
        return self.root / "projects" / project / "secrets"

    def create(self) -> None:
        """Make the folder, closed to other users."""
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.root.chmod(0o700)

    @contextmanager
    def nothing_collected(self) -> Iterator[None]:
        """Keep every artifact and log where it is for as long as this lasts: a backup is being made."""
        descriptor = self._collecting(fcntl.LOCK_SH)
        try:
            yield
        finally:
            os.close(descriptor)

    @contextmanager
    def collecting(self) -> Iterator[bool]:
        """Yield whether files may be taken away for as long as this lasts: not while a backup is being made."""
        try:
            descriptor = self._collecting(fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        try:
            yield True
        finally:
            os.close(descriptor)

    def _collecting(self, how: int) -> int:
        descriptor = os.open(self.root / "collect.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, how)
        except OSError:
            os.close(descriptor)
            raise
        return descriptor

    def take(self) -> int:
        """Return a descriptor that owns the home as long as it is open; raise HomeTakenError with who owns it."""
        descriptor = os.open(self.root / "daemon.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip()
            os.close(descriptor)
            raise HomeTakenError(
                f"another Tunewright daemon (pid {owner or 'unknown'}) owns {self.root};"
                " stop it or choose another --home"
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode("ascii"), 0)
        return descriptor


def cache_folder() -> Path:
    """Return the folder for models, data and environments that several homes share (TUNEWRIGHT_CACHE, or the
    platform's).
    """
    chosen = os.environ.get("TUNEWRIGHT_CACHE")
    if chosen:
        return Path(chosen)
    return user_cache_path("tunewright", appauthor=False)
