"""Files and folders by content: paths as a spec writes them, digests that are not computed twice."""

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from tunewright.compiler.collect.cache import FactCache, remembered
from tunewright.compiler.collect.confinement import inside
from tunewright.compiler.ir.facts import FileFact
from tunewright.spec.canonical import digest_of_entries, digest_of_file
from tunewright.spec.tree import FileEntry

#: Hashing on several threads pays from here on; below, starting them costs more.
_WORTH_THREADS = 64 * 2**20


def locate(written: str, base_directory: Path) -> Path:
    """Return the path that a spec means: `~` is the user's home, a relative one starts at the spec's folder.

    Raise OutsideError where it must not be read.
    """
    return inside(base_directory / Path(written).expanduser())


def collect_file(written: str, base_directory: Path, *, cache: FactCache | None) -> FileFact:
    """Return size and digest of a local file or folder (`dir:path`); both are None when it can't be read."""
    try:
        path = locate(written.removeprefix("dir:").removeprefix("file:"), base_directory)
        if path.is_dir():
            entries = folder_entries(path, cache=cache)
            size = sum(entry.size for entry in entries)
            return FileFact(written=written, path=str(path), size=size, digest=digest_of_entries(entries))
        return FileFact(
            written=written, path=str(path), size=path.stat().st_size, digest=file_digest(path, cache=cache)
        )
    except (OSError, ValueError, RuntimeError):
        return FileFact(written=written, path=None)


def file_digest(path: Path, *, cache: FactCache | None) -> str:
    """Return `sha256:<hex>` of a file's content; raise OSError when it can't be read."""
    return str(remembered(cache, "digest", path, _digest)["digest"])


def folder_digest(folder: Path, *, cache: FactCache | None) -> str:
    """Return the tree digest of a folder's files; raise OSError when one can't be read."""
    return digest_of_entries(folder_entries(folder, cache=cache))


def folder_entries(
    folder: Path, *, cache: FactCache | None, kept: Callable[[str], bool] = lambda _: True
) -> tuple[FileEntry, ...]:
    """Return the files of a folder (those that `kept` takes, by their path in it) with their digests; raise OSError
    when one can't be read.

    The digest of them all is equal to `digest_of_tree`, but hidden files (`.git`, a hub's bookkeeping) are left out and
    links to files, which hub caches are made of, are followed.
    """
    paths = sorted(path for path in _files_in(folder) if kept(path.relative_to(folder).as_posix()))
    if len(paths) > 1 and sum(path.stat().st_size for path in paths) > _WORTH_THREADS:
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
            digests = list(pool.map(lambda path: file_digest(path, cache=cache), paths))
    else:
        digests = [file_digest(path, cache=cache) for path in paths]
    return tuple(
        FileEntry(path.relative_to(folder).as_posix(), path.stat().st_size, digest.removeprefix("sha256:"))
        for path, digest in zip(paths, digests, strict=True)
    )


def _files_in(folder: Path) -> Iterable[Path]:
    for current, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            path = Path(current, name)
            if not name.startswith(".") and path.is_file():
                yield inside(path)


def _digest(path: Path) -> Mapping[str, Any]:
    return {"digest": digest_of_file(path)}
