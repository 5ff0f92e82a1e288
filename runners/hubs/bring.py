"""Bring files of a repository here: from a cache of this machine when it has exactly them, else from the hub."""

import fcntl
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tunewright.runners.hubs import refusals
from tunewright.runners.hubs.hugging_face import HuggingFace
from tunewright.runners.hubs.model_scope import ModelScope
from tunewright.runners.hubs.repository import Choice, Hub, Listing, Repository, RepositoryFile, is_offline
from tunewright.runners.sdk import Reporter

_HUBS: Mapping[str, Callable[[Repository, Path, Reporter], Hub]] = {"hf": HuggingFace, "ms": ModelScope}
_WAIT_SECONDS = 0.2
_SAY_SECONDS = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """Files that are here and are what they should be: their names, the folder that has them, the revision."""

    folder: Path
    names: tuple[str, ...]
    revision: str | None


def bring(
    repository: Repository, cache: Path, report: Reporter, *, choose: Choice, pins: Mapping[str, str] | None = None
) -> Brought:
    """Return files of `repository`, each byte held to a digest; raise StepFailedError.

    The digests are those of `pins` (name to `sha256:...`, from a lock), which are then all the files, else those that
    the hub itself names. `cache` is shared by all processes of this machine: who comes second waits and downloads
    nothing.
    """
    hub = _HUBS[repository.hub](repository, cache, report)
    with _alone(cache / ".waiting" / f"{repository.kind}--{repository.name.replace('/', '--')}", report):
        listing = _pinned(repository, pins) if pins else _listing(hub, repository)
        names = tuple(sorted(pins)) if pins else _chosen(hub, listing, choose)
        wanted = [listing.files[name] for name in names]
        folder = _kept(hub, listing, wanted, report)
        if folder is None:
            if is_offline():
                raise refusals.not_here(repository.name, _missing(hub, listing, wanted))
            folder = _fetched(hub, cache, listing, wanted, report, is_pinned=bool(pins))
        return Brought(folder=folder, names=names, revision=listing.revision)


def _pinned(repository: Repository, pins: Mapping[str, str]) -> Listing:
    files = {name: RepositoryFile(name=name, sha256=digest.removeprefix("sha256:")) for name, digest in pins.items()}
    return Listing(revision=repository.revision, files=files)


def _listing(hub: Hub, repository: Repository) -> Listing:
    if not is_offline():
        return hub.listing()
    kept = hub.kept_listing()
    if kept is None:
        raise refusals.not_here(repository.name, ())
    return kept


def _chosen(hub: Hub, listing: Listing, choose: Choice) -> tuple[str, ...]:
    def read(name: str) -> str:
        for folder in hub.kept(listing.revision):
            if (folder / name).is_file():
                return (folder / name).read_text(encoding="utf-8", errors="replace")
        if is_offline() or name not in listing.files:
            return ""
        return (hub.fetch(listing.revision, [name]) / name).read_text(encoding="utf-8", errors="replace")

    return tuple(choose(sorted(listing.files), read))


def _kept(hub: Hub, listing: Listing, wanted: Sequence[RepositoryFile], report: Reporter) -> Path | None:
    """Return a folder of this machine that holds all that is wanted, unchanged."""
    for folder in hub.kept(listing.revision):
        if not all((folder / item.name).is_file() for item in wanted):
            continue
        report.phase(f"checking {len(wanted)} files that are here")
        faults = _faults(folder, wanted, report)
        if not faults:
            return folder
        report.emit("warning", code="cache-damaged", message=f"a cache holds something else: {'; '.join(faults[:5])}")
    return None


def _fetched(
    hub: Hub, cache: Path, listing: Listing, wanted: Sequence[RepositoryFile], report: Reporter, *, is_pinned: bool
) -> Path:
    told = hub.listing() if is_pinned else listing
    if is_pinned and (known := _known_faults(told, wanted)):
        raise refusals.drifted(known)
    names = [item.name for item in wanted]
    _remove_damaged(hub, listing, wanted, cache)
    _check_space(cache, [told.files[name] for name in names], hub.kept(listing.revision))
    faults: Sequence[str] = ()
    for attempt in (1, 2):
        folder = hub.fetch(listing.revision, names)
        report.phase(f"checking {len(wanted)} files by their digests")
        faults = _faults(folder, wanted, report)
        if not faults:
            return folder
        _remove_damaged(hub, listing, wanted, cache)
        if attempt == 1:
            report.emit("warning", code="wrong-bytes", message=f"fetched again, since {'; '.join(faults[:5])}")
    raise refusals.drifted(faults) if is_pinned else refusals.wrong_bytes(hub.title, faults)


def _known_faults(told: Listing, wanted: Sequence[RepositoryFile]) -> list[str]:
    """Return what the hub says it can't give, before anything is fetched."""
    faults = []
    for item in wanted:
        there = told.files.get(item.name)
        if there is None:
            faults.append(f"{item.name} is missing")
        elif there.sha256 is not None and there.sha256 != item.sha256:
            faults.append(f"{item.name} is sha256:{there.sha256[:12]}, and should be sha256:{str(item.sha256)[:12]}")
    return faults


def _faults(folder: Path, wanted: Sequence[RepositoryFile], report: Reporter) -> list[str]:
    faults = []
    for item in wanted:
        report.check_cancelled()
        if (fault := item.fault(folder / item.name)) is not None:
            faults.append(fault)
    return faults


def _missing(hub: Hub, listing: Listing, wanted: Sequence[RepositoryFile]) -> list[str]:
    kept = hub.kept(listing.revision)
    lacking = [item.name for item in wanted if not any((folder / item.name).is_file() for folder in kept)]
    return [f"{name} is missing" for name in lacking]


def _remove_damaged(hub: Hub, listing: Listing, wanted: Sequence[RepositoryFile], cache: Path) -> None:
    """Take what is something else out of our own cache, so that it is fetched anew; the user's own is not touched."""
    for folder in hub.kept(listing.revision):
        if not folder.is_relative_to(cache):
            continue
        for item in wanted:
            path = folder / item.name
            if path.is_file() and item.fault(path) is not None:
                path.resolve().unlink(missing_ok=True)
                path.unlink(missing_ok=True)


def _check_space(cache: Path, wanted: Sequence[RepositoryFile], kept: Sequence[Path]) -> None:
    """Refuse before the first byte what would end in a full disk."""
    ours = [folder for folder in kept if folder.is_relative_to(cache)]
    needed = sum(item.size or 0 for item in wanted if not any((folder / item.name).is_file() for folder in ours))
    free = shutil.disk_usage(cache).free
    if needed > free:
        raise refusals.disk_full(needed, free, str(cache))


@contextmanager
def _alone(lock: Path, report: Reporter) -> Iterator[None]:
    """Let one process at a time bring a repository; the others wait, and can be cancelled while they do."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as held:
        said = 0.0
        while True:
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() - said > _SAY_SECONDS:
                    said = time.monotonic()
                    report.phase("waiting: another step fetches the same")
                report.check_cancelled()
                time.sleep(_WAIT_SECONDS)
        yield
