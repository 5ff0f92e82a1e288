"""Images that rows of data name: where they stand in a row, and the digest that binds their content. Standard library
only.

A row names its images in `images` (a list of paths) or `image` (one path), seen from the folder of the data file.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tunewright.spec.canonical import digest_of, digest_of_file

#: Stands for the digest of images that lie with the rows in one artefact, whose own digest covers them.
PREPARED = "prepared"


def images_of(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the paths that a row names; raise ValueError with a sentence where they are no paths."""
    value = row.get("images", row.get("image"))
    if value is None:
        return ()
    named = [value] if isinstance(value, str) else value
    if not isinstance(named, list) or not all(isinstance(item, str) and item for item in named):
        raise ValueError("`images` must be a list of paths to image files")
    return tuple(named)


def digest_of_images(folder: Path, names: Iterable[str]) -> str:
    """Return what binds the images of a data file, named from its folder; raise OSError for one that can't be read."""
    return bind({name: digest_of_file(folder / name) for name in names})


def bind(digests: Mapping[str, str]) -> str:
    """Return one digest over names and digests of images, whatever their order."""
    return digest_of(sorted(digests.items()))
