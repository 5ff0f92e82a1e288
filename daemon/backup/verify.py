"""Read a backup as a whole and hold it to its manifest: the store by SQLite's own checks, the rest by digests."""

import sqlite3
from contextlib import closing
from pathlib import Path

from tunewright.daemon.backup.manifest import BackupError, Manifest, read_manifest
from tunewright.daemon.home import Home
from tunewright.spec.canonical import digest_of_file, digest_of_tree
from tunewright.spec.tree import TreeError


def verify(folder: Path) -> Manifest:
    """Return what a backup holds; raise BackupError with everything that is not as it was written."""
    manifest = read_manifest(folder)
    found = [*_wrong_files(folder, manifest), *_wrong_artifacts(folder, manifest)]
    if not found:
        found = _wrong_store(folder)
    if found:
        shown = "; ".join(found[:5]) + (f"; and {len(found) - 5} more" if len(found) > 5 else "")
        raise BackupError(f"the backup {folder} is not whole: {shown}")
    return manifest


def _wrong_files(folder: Path, manifest: Manifest) -> list[str]:
    found = []
    for name, digest in manifest.files.items():
        try:
            if digest_of_file(folder / name) != digest:
                found.append(f"{name} has changed")
        except OSError as error:
            found.append(f"{name} can't be read ({error.strerror})")
    return found


def _wrong_artifacts(folder: Path, manifest: Manifest) -> list[str]:
    found = []
    for digest in manifest.artifacts:
        try:
            if digest_of_tree(Home(folder).artifact(digest)) != digest:
                found.append(f"artifact {digest} has changed")
        except (OSError, TreeError) as error:
            found.append(f"artifact {digest} can't be read ({error})")
    return found


def _wrong_store(folder: Path) -> list[str]:
    path = Home(folder).database
    try:
        # Immutable: reading it must not leave a journal in the backup.
        with closing(sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)) as store:
            found = [row[0] for row in store.execute("PRAGMA integrity_check") if row[0] != "ok"]
            found += [
                f"row {row[1]} of {row[0]} refers to nothing" for row in store.execute("PRAGMA foreign_key_check")
            ]
            return found
    except sqlite3.DatabaseError as error:
        return [f"the store can't be read ({error})"]
