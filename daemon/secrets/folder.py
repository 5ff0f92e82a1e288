"""Secrets in a folder, one file each: the home's own, and those that a site, systemd or Kubernetes puts somewhere."""

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tunewright.daemon.home import Home
from tunewright.daemon.secrets.provider import MAX_BYTES, Held, Scope, SecretError, is_name


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderProvider:
    """Files that their owner alone can read. `place` tells the folder of a project."""

    place: Callable[[str], Path]
    scope: Scope

    kind = "file"

    def read(self, project: str, name: str) -> bytes | None:
        """Return a file's content without one line end; raise SecretError where others could read it."""
        path = self.place(project) / name
        if not self.scope.holds(project):
            return None
        try:
            # Followed on purpose: Kubernetes mounts each secret as a link. What counts is the file at its end.
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise SecretError(f"the secret {path} can't be read: {error.strerror}") from None
        with os.fdopen(descriptor, "rb") as stream:
            check_private(path, os.fstat(descriptor))
            value = stream.read(MAX_BYTES + 1)
        if len(value) > MAX_BYTES:
            raise SecretError(f"the secret {path} has more than {MAX_BYTES} bytes")
        return value.removesuffix(b"\n").removesuffix(b"\r")

    def held(self, project: str) -> tuple[Held, ...]:
        """Return the names of the files."""
        folder = self.place(project)
        if not self.scope.holds(project) or not folder.is_dir():
            return ()
        files = sorted(item for item in folder.iterdir() if is_name(item.name) and item.is_file())
        return tuple(Held(name=item.name, provider=self.kind, modified=item.stat().st_mtime) for item in files)


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeProvider(FolderProvider):
    """The files that `tunewright secret set` keeps in the home."""

    kind = "home"

    def keep(self, project: str, name: str, value: bytes) -> None:
        """Store a value in a file that its owner alone can read."""
        folder = self.place(project)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        write_private(folder / name, value)

    def remove(self, project: str, name: str) -> bool:
        """Remove the file."""
        try:
            (self.place(project) / name).unlink()
        except FileNotFoundError:
            return False
        return True


def home_provider(home: Home, *projects: str) -> HomeProvider:
    """Return the home's own store; it serves every project where none are named."""
    return HomeProvider(place=home.secrets, scope=Scope(projects, apart=True))


def check_private(path: Path, status: os.stat_result) -> None:
    """Raise SecretError with the command to type unless a regular file is for its owner alone, who is us or root."""
    if not stat.S_ISREG(status.st_mode):
        raise SecretError(f"the secret {path} is no file")
    if status.st_uid not in (os.geteuid(), 0):
        raise SecretError(
            f"the secret {path} belongs to user {status.st_uid}, who could change it",
            help=f"sudo chown {os.geteuid()} {path}",
        )
    # systemd gives a service its credentials by an access list, which shows as rights of root's group.
    rights = 0o037 if status.st_uid == 0 and status.st_gid == 0 else 0o077
    if status.st_mode & rights:
        mode = stat.S_IMODE(status.st_mode)
        raise SecretError(f"others can read the secret {path} (mode {mode:04o})", help=f"chmod 600 {path}")


def write_private(path: Path, content: bytes) -> None:
    """Write a file for its owner alone, whole or not at all, and flush it."""
    aside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    aside.unlink(missing_ok=True)
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    aside.replace(path)
