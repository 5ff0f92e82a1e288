"""The folder that brings an attempt its secrets: files for its runner alone, in memory, gone when the attempt ends.

A link named `.bundle` in it says whose it is, so that whoever finds it can tell whether it is still needed, and nobody
can be led to clear another folder.
"""

import contextlib
import json
import os
from pathlib import Path

from tunewright.runners import contract
from tunewright.runners.supervision.plain_files import NotPlainError, read_plain
from tunewright.runners.supervision.redaction import Redactor

OWNER = ".bundle"


def folder_of(bundle: Path) -> Path | None:
    """Return where step.json says that the secrets of an attempt lie; None without any, or without a step.json."""
    try:
        value = json.loads(read_plain(bundle / contract.STEP)).get("secrets")
    except (OSError, ValueError, NotPlainError, AttributeError):
        return None
    return Path(value) if isinstance(value, str) and value else None


def owner_of(folder: Path) -> Path | None:
    """Return the bundle that a folder was made for, None where it is no such folder."""
    try:
        return Path(os.readlink(folder / OWNER))  # noqa: PTH115 - nothing is resolved: the bundle may be gone
    except OSError:
        return None


def redactor_of(folder: Path) -> Redactor | None:
    """Return what finds the values that lie in a folder; None where it is not there (any more)."""
    try:
        files = [item for item in os.scandir(folder) if item.is_file(follow_symlinks=False)]
        return Redactor(read_plain(Path(item.path)) for item in files)
    except (OSError, NotPlainError):
        return None


def clear(bundle: Path, folder: Path) -> None:
    """Make the values unreadable in what the runner wrote into the bundle's events, then remove the folder.

    To be called when nothing of the attempt lives any more; may be repeated.
    """
    if owner_of(folder) != Path(os.path.realpath(bundle)):
        return
    if redactor := redactor_of(folder):
        redactor.blot_file(bundle / contract.EVENTS)
    remove(folder)


def remove(folder: Path) -> None:
    """Remove a folder of secrets; the link goes last, so that what is left over can still be found."""
    with contextlib.suppress(OSError):
        for item in sorted(os.scandir(folder), key=lambda item: item.name == OWNER):
            os.unlink(item.path)  # noqa: PTH108
        folder.rmdir()
        folder.parent.rmdir()  # as long as nothing else of the home is in it
