"""Images beside the text of training rows: found from the data file's folder, and held to the plan's digest."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from tunewright.runners.sdk import StepFailedError
from tunewright.runners.training.methods.method import Row
from tunewright.spec.canonical import digest_of
from tunewright.spec.formats import read_rows
from tunewright.spec.images import digest_of_images, images_of


def with_images(fitted: Iterable[Row], row: Row, folder: Path) -> Iterator[Row]:
    """Yield what was made of a row with the images that the row names, as whole paths."""
    named = images_of(row)
    for each in fitted:
        yield {**each, "images": [str(folder / name) for name in named]} if named else each


def hold_to_digest(name: str, expected: str, files: Sequence[Path]) -> None:
    """Raise StepFailedError where the images of a data set are not those that the plan was made for."""
    found = []
    for path in files:
        try:
            if named := {image for _, row in read_rows(path) for image in images_of(row)}:
                found.append(digest_of_images(path.parent, named))
        except OSError as error:
            raise StepFailedError(
                f"an image of `{name}` can't be read: {error}", reason="INPUT_MISSING", help="put it back and run again"
            ) from error
    if digest_of(found) != expected:
        raise StepFailedError(
            f"the images of `{name}` are not those that the plan was made for",
            reason="INPUT_CHANGED",
            help="put the old ones back, or plan again with the new ones",
        )
