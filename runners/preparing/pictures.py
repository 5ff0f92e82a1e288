"""Images that rows name, carried along when the rows are prepared: each once, by its digest. Standard library only."""

import shutil
from pathlib import Path
from typing import Any

from tunewright.runners.sdk import StepFailedError
from tunewright.spec.canonical import digest_of_file
from tunewright.spec.images import images_of

#: The folder of a prepared data set that holds the images of its rows.
FOLDER = "images"
_NAME_LENGTH = 32


class Pictures:
    """Copies images beside prepared rows; what is prepared is whole without the folder it came from."""

    def __init__(self, outputs: Path) -> None:
        self._outputs = outputs
        self._named: dict[Path, str] = {}

    def kept(self, row: dict[str, Any], folder: Path, place: str) -> dict[str, Any]:
        """Return the keys of a row that name its images as they are kept; empty for a row that names none."""
        try:
            named = images_of(row)
        except ValueError as error:
            raise _unusable(place, str(error)) from error
        return {"images": [self._keep(folder / name, place) for name in named]} if named else {}

    def _keep(self, image: Path, place: str) -> str:
        if image not in self._named:
            try:
                name = digest_of_file(image).removeprefix("sha256:")[:_NAME_LENGTH] + image.suffix.lower()
                kept = self._outputs / FOLDER / name
                kept.parent.mkdir(exist_ok=True)
                if not kept.exists():
                    shutil.copyfile(image, kept)
            except OSError as error:
                raise _unusable(place, f"an image can't be read: {error.strerror or error}") from error
            self._named[image] = f"{FOLDER}/{name}"
        return self._named[image]


def without_images(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row without the keys that name its images."""
    return {key: value for key, value in row.items() if key not in ("image", "images")}


def _unusable(place: str, why: str) -> StepFailedError:
    return StepFailedError(f"{place}: {why}", reason="DATA_INVALID", help="correct the row, or put its images back")
