"""Seal outputs/: flush every file, then bind paths, sizes and contents in one digest."""

import os
from pathlib import Path

from tunewright.runners.supervision.record import SealedOutputs
from tunewright.spec.canonical import digest_of_entries
from tunewright.spec.tree import TreeError, scan_tree


def seal(outputs: Path) -> SealedOutputs:
    """Return the sealed outputs; raise TreeError for what has no portable identity, OSError when the disk refuses."""
    if outputs.is_symlink() or not outputs.is_dir():
        raise TreeError(f"`{outputs.name}` is not a folder any more")
    entries = scan_tree(outputs)
    for entry in entries:
        _flush(outputs / entry.path)
    for folder, _, _ in os.walk(outputs):
        _flush(Path(folder))
    size = sum(entry.size for entry in entries)
    return SealedOutputs(digest=digest_of_entries(entries), bytes=size, files=len(entries))


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
