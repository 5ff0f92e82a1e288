"""Look at the images that a data file's rows name: that each is there, and what binds them all."""

from collections.abc import Iterable
from pathlib import Path

from tunewright.compiler.collect.cache import FactCache, remembered
from tunewright.compiler.collect.confinement import inside
from tunewright.spec.canonical import digest_of_file
from tunewright.spec.images import bind


def look_at_images(
    folder: Path, named: Iterable[tuple[str, int]], cache: FactCache | None
) -> tuple[str | None, list[tuple[int, str]]]:
    """Return the digest that binds the images, and `(line, message)` for each that can't be read.

    `named` has each path once, with the line that names it first. Unchanged images are not read again.
    """
    digests, problems = {}, []
    for name, line in named:
        try:
            path = inside(folder / name)
            found = remembered(cache, "images", path, lambda image: {"digest": digest_of_file(image)})
            digests[name] = found["digest"]
        except FileNotFoundError:
            problems.append((line, f"the image `{name}` does not exist beside the data file"))
        except (OSError, ValueError, RuntimeError) as error:  # a name that no path can be, links in a circle
            problems.append((line, f"the image `{name}` can't be read: {getattr(error, 'strerror', None) or error}"))
    return (bind(digests) if digests and not problems else None), problems
