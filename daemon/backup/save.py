"""Make a backup of a home while its daemon works: the store through SQLite's own backup, then what it names.

The store comes first. What it names can't change after that (artifacts) or only grows (logs), so everything fits it.
Collecting garbage waits until the backup is made.
"""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from tunewright import __version__
from tunewright.daemon.backup.manifest import BackupError, Manifest
from tunewright.daemon.backup.verify import verify
from tunewright.daemon.clock import system_clock
from tunewright.daemon.home import Home
from tunewright.runners.contract import WORK
from tunewright.spec.canonical import digest_of_file, digest_of_tree
from tunewright.spec.tree import TreeError

#: No name that anything else would have: what is left of it is removed.
_PARTIAL = ".tunewright-backup"
#: Files of the home beside the store that decide what the daemon does. Secrets and keys are never part of a backup.
_SETTINGS = ("access.yaml", "policy.yaml", "retention.yaml", "secrets.yaml")


def back_up(home: Home, target: Path, *, checkpoints: bool) -> Manifest:
    """Write a backup of `home` to the new folder `target`, read it again, and return what it holds; raise BackupError.

    With `checkpoints` the work folders of attempts are part of it.
    """
    if not home.database.is_file():
        raise BackupError(f"there is no store at {home.database}: nothing was ever run there")
    if target.exists():
        raise BackupError(f"{target} exists already: name a new folder, every backup has its own")
    if target.resolve().is_relative_to(home.root.resolve()):
        raise BackupError(f"{target} lies in the home that is backed up: name a folder elsewhere, best on another disk")
    partial = target.with_name(f".{target.name}{_PARTIAL}")
    shutil.rmtree(partial, ignore_errors=True)  # of a backup that was cut short
    try:
        partial.mkdir(mode=0o700, parents=True)
    except OSError as error:
        raise BackupError(f"{target} can't be made: {error.strerror}") from error
    with home.nothing_collected():
        manifest = _write(home, partial, checkpoints=checkpoints)
    os.sync()
    verify(partial)
    partial.rename(target)
    return manifest


def _write(home: Home, folder: Path, *, checkpoints: bool) -> Manifest:
    copy = Home(folder)
    _copy_store(home.database, copy.database)
    if home.points.is_file():
        _copy_store(home.points, copy.points)
    with closing(sqlite3.connect(copy.database)) as store:
        (store_id,) = store.execute("SELECT id FROM store").fetchone()
        (version,) = store.execute("PRAGMA user_version").fetchone()
        digests = [row[0] for row in store.execute("SELECT DISTINCT digest FROM artifacts ORDER BY digest")]
    kept = [digest for digest in digests if _copy_artifact(digest, home, copy)]
    for source in _small_files(home, checkpoints=checkpoints):
        _copy_file(source, folder / source.relative_to(home.root))
    manifest = Manifest(
        tunewright=__version__,
        store_id=store_id,
        schema_version=version,
        time=system_clock().now(),
        checkpoints=checkpoints,
        files={path.relative_to(folder).as_posix(): digest_of_file(path) for path in _files(folder)},
        artifacts=tuple(kept),
        absent=tuple(digest for digest in digests if digest not in kept),
    )
    manifest.write(folder)
    return manifest


def _copy_store(source: Path, target: Path) -> None:
    """One step, so that it is the store of one moment; in WAL mode nobody waits for it."""
    with (
        closing(sqlite3.connect(f"file:{source}?mode=rw", uri=True)) as from_,
        closing(sqlite3.connect(target)) as to,
    ):
        from_.backup(to)
        # A backup is one file: nothing of it may lie in a journal beside it.
        to.execute("PRAGMA journal_mode = DELETE")


def _copy_artifact(digest: str, home: Home, copy: Home) -> bool:
    """Answer whether the artifact is there as it was sealed, and copied."""
    source, target = home.artifact(digest), copy.artifact(digest)
    if not source.is_dir():
        return False
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    shutil.copytree(source, target, symlinks=True)
    try:
        whole = digest_of_tree(target) == digest
    except (OSError, TreeError):
        whole = False
    if not whole:
        shutil.rmtree(target)
    return whole


def _small_files(home: Home, *, checkpoints: bool) -> Iterator[Path]:
    yield from (path for name in _SETTINGS if (path := home.root / name).is_file())
    for bundle in sorted(home.root.glob("bundles/*/*/*")):
        # What lies directly in a bundle is its record: step file, events, logs, exit.
        yield from (path for path in sorted(bundle.iterdir()) if _is_plain(path))
        if checkpoints:
            yield from (path for path in sorted((bundle / WORK).rglob("*")) if _is_plain(path))


def _is_plain(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _copy_file(source: Path, target: Path) -> None:
    """A file may go away while we look (a checkpoint is replaced by a newer one): then it is not part of the backup."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        shutil.copy2(source, target, follow_symlinks=False)
    except FileNotFoundError:
        target.unlink(missing_ok=True)


def _files(folder: Path) -> Iterator[Path]:
    artifacts = folder / "artifacts"
    for path in sorted(folder.rglob("*")):
        if path.is_file() and artifacts not in path.parents:
            yield path
