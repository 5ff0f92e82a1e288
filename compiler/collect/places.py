"""From what a plan says about a place (as the spec writes it) to the place on this machine.

A sealed plan names files as its spec does, never by absolute path: equal inputs give equal plans wherever they lie.
"""

from pathlib import Path

from tunewright.compiler.collect.confinement import OutsideError
from tunewright.compiler.collect.files import file_digest, folder_digest, locate
from tunewright.compiler.collect.hubs import hugging_face_snapshot, model_scope_folder, parse_hub_reference
from tunewright.compiler.collect.packages import PackageError, find_in_package


class PlaceError(ValueError):
    """Nothing is there; the message is a sentence for the user."""


def place_of(written: str, base_directory: Path) -> Path:
    """Return the path that a locator of a plan means on this machine; raise PlaceError."""
    scheme, _, rest = written.partition(":")
    try:
        match scheme:
            case "package":
                return find_in_package(rest)[0]
            case "hf" | "ms":
                return _in_hub_cache(written, scheme, rest.removeprefix("//"))
            case "dir" | "gguf" | "file":
                path = locate(rest, base_directory)
            case _:
                path = locate(written, base_directory)
    except (PackageError, RuntimeError, OutsideError) as error:
        raise PlaceError(f"{written} can't be found: {error}") from error
    if not path.exists():
        raise PlaceError(f"{written} is not there any more")
    return path


def _in_hub_cache(written: str, scheme: str, text: str) -> Path:
    reference = parse_hub_reference(text)
    found = None
    if reference is not None and scheme == "hf":
        found = (hugging_face_snapshot(reference) or (None, None))[0]
    elif reference is not None:
        found = model_scope_folder(reference)
    if found is None:
        raise PlaceError(f"{written} is not in the local hub cache")
    return found


def digest_at(path: Path) -> str:
    """Return the digest of a file or folder as `collect` computes it; raise OSError."""
    return folder_digest(path, cache=None) if path.is_dir() else file_digest(path, cache=None)
