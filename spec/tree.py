"""Folders as values: the files of a tree with size and SHA-256, refusing what can't be reproduced elsewhere. Standard
library only.
"""

import hashlib
import os
import stat
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from tunewright.spec.record import record


class TreeError(ValueError):
    """The folder holds something that has no portable identity: a link, a special file, a name that is not UTF-8 or
    collides.
    """


@record
class FileEntry:
    """One regular file: its path from the root with `/`, its size in bytes, its SHA-256 in hex."""

    path: str
    size: int
    sha256: str


def scan_tree(root: Path) -> tuple[FileEntry, ...]:
    """Return every file under `root`, sorted by the bytes of its path."""
    entries: list[FileEntry] = []
    seen: dict[str, str] = {}
    for path, relative in _walk(root, ""):
        folded = unicodedata.normalize("NFC", relative).casefold()
        if folded in seen:
            raise TreeError(f"`{relative}` and `{seen[folded]}` are one name on some file systems")
        seen[folded] = relative
        with open(path, "rb") as stream:  # noqa: PTH123 - `path` is text from scandir
            content = hashlib.file_digest(stream, "sha256").hexdigest()
            size = os.fstat(stream.fileno()).st_size
        entries.append(FileEntry(relative, size, content))
    return tuple(sorted(entries, key=lambda entry: entry.path.encode("utf-8")))


def _walk(folder: Path | str, prefix: str) -> Iterator[tuple[str, str]]:
    with os.scandir(folder) as items:
        for item in items:
            relative = prefix + item.name
            try:
                relative.encode("utf-8")
            except UnicodeEncodeError as error:
                raise TreeError(f"{item.name!r} is not UTF-8") from error
            mode = item.stat(follow_symlinks=False).st_mode
            if stat.S_ISLNK(mode):
                raise TreeError(f"`{relative}` is a symbolic link")
            if stat.S_ISDIR(mode):
                yield from _walk(item.path, relative + "/")
            elif stat.S_ISREG(mode):
                yield item.path, relative
            else:
                raise TreeError(f"`{relative}` is not a regular file")
