"""Bring a runner its secrets: a folder for one attempt, in memory, made just before the start, gone with its end."""

import hashlib
import logging
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tunewright.daemon.filesystem import file_system_type
from tunewright.daemon.home import Home
from tunewright.daemon.log.redaction import REDACTION
from tunewright.daemon.secrets.provider import SecretError
from tunewright.daemon.secrets.providers import Providers
from tunewright.daemon.supervise import Running, kill_leftovers, probe
from tunewright.runners.supervision import delivered

_log = logging.getLogger(__name__)

#: File systems that lie in memory alone (but for swap).
_IN_MEMORY = frozenset({"tmpfs", "ramfs"})


@dataclass(frozen=True, slots=True)
class Delivered:
    """A folder with one file each. `in_memory` is False where this machine has no place in memory."""

    folder: Path
    in_memory: bool


@dataclass(frozen=True, slots=True)
class Delivery:
    """Delivers secrets for the attempts of one home."""

    home: Home
    providers: Providers

    def deliver(self, bundle: Path, project: str, names: Iterable[str]) -> Delivered:
        """Ask for every secret anew and return the folder that holds them; raise SecretError, OSError.

        It may take seconds: call it in a thread.
        """
        values = {name: self.value(project, name) for name in names}
        for earlier in self._folders_for(bundle):  # an earlier launch of the same attempt may have come so far
            delivered.remove(earlier)
        root, in_memory = self._root()
        folder = root / _name_for(bundle)
        folder.mkdir(mode=0o700)
        # The link comes first: whatever is left over by a crash can be found and cleared.
        (folder / delivered.OWNER).symlink_to(os.path.realpath(bundle))
        for name, value in values.items():
            descriptor = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o400)
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(value)
        return Delivered(folder, in_memory)

    def value(self, project: str, name: str) -> bytes:
        """Return a secret of a project; raise SecretError where no place has it."""
        value = self.providers.read(project, name)
        if value is None:
            of = "" if project == "default" else f" --project {project}"
            raise SecretError(f"there is no secret {name}", help=f"store it: `tunewright secret set {name}{of}`")
        REDACTION.remember(value)
        return value

    def clear(self, bundle: Path) -> None:
        """Remove what was delivered to an attempt of which nothing lives any more."""
        # Not only where step.json says: an attempt may have ended before there was one.
        told = delivered.folder_of(bundle)
        for folder in {*self._folders_for(bundle), *((told,) if told is not None else ())}:
            delivered.clear(bundle, folder)

    def sweep(self) -> None:
        """Remove what daemons and supervisors before us left over: all but what running attempts have."""
        for folder in self.folders():
            owner = delivered.owner_of(folder)
            if owner is None:
                delivered.remove(folder)
            elif not isinstance(probe(owner), Running):
                kill_leftovers(owner)
                delivered.clear(owner, folder)
                _log.info("cleared the secrets of %s, which nobody watches any more", owner)

    def folders(self) -> list[Path]:
        """Return every folder of this home that was delivered and is still there."""
        return [folder for root in self._roots() if _is_ours(root) for folder in root.iterdir()]

    def _folders_for(self, bundle: Path) -> list[Path]:
        return [root / _name_for(bundle) for root in self._roots()]

    def _roots(self) -> list[Path]:
        return [self._root_in(place) for place in (*_places(), self.home.root)]

    def _root(self) -> tuple[Path, bool]:
        """Return the folder for this home's deliveries in the first place that is in memory and ours alone."""
        for place in _places():
            root = self._root_in(place)
            try:
                for folder in (root.parent, root):
                    folder.mkdir(mode=0o700, exist_ok=True)
                    _check_ours(folder)
            except OSError as error:
                _log.warning("secrets are not delivered in %s: %s", place, error)
                continue
            return root, True
        root = self._root_in(self.home.root)
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        return root, False

    def _root_in(self, place: Path) -> Path:
        home = hashlib.sha256(os.fsencode(self.home.root.resolve())).hexdigest()[:16]
        return place / f"tunewright-{os.geteuid()}" / home


def _name_for(bundle: Path) -> str:
    return hashlib.sha256(os.fsencode(os.path.realpath(bundle))).hexdigest()[:32]


def _places() -> Iterator[Path]:
    """Yield the places in memory that this machine offers."""
    for place in (os.environ.get("XDG_RUNTIME_DIR"), "/dev/shm", "/run"):  # noqa: S108 - only folders of ours in them
        if place and os.access(place, os.W_OK | os.X_OK) and file_system_type(Path(place)) in _IN_MEMORY:
            yield Path(place)


def _is_ours(folder: Path) -> bool:
    """Others may have made a folder of that name, for us to stumble over, or to have us clear what is not ours."""
    try:
        _check_ours(folder)
    except OSError:
        return False
    return True


def _check_ours(folder: Path) -> None:
    """Raise OSError for a folder that somebody else has put there before us."""
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o077:
        raise PermissionError(f"{folder} is not a folder of ours alone")
