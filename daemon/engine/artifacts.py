"""Artifacts on disk: outputs taken over by digest, looked at again before they are used."""

import errno
import os
import shutil
import stat
from pathlib import Path

from tunewright.daemon.home import Home
from tunewright.daemon.store.artifacts import ArtifactRecord
from tunewright.daemon.supervise import SealedOutputs
from tunewright.runners.contract import OUTPUTS
from tunewright.spec.canonical import digest_of_tree
from tunewright.spec.tree import TreeError


class ArtifactError(RuntimeError):
    """The outputs are not what the supervisor sealed."""


def adopt(bundle: Path, sealed: SealedOutputs, home: Home) -> Path:
    """Move a bundle's outputs to their place by digest, read-only, and return it. Doing it again finds it done.

    Raises ArtifactError when the content does not have the sealed digest.
    """
    place, outputs = home.artifact(sealed.digest), bundle / OUTPUTS
    if place.is_dir() and measure(place) == (sealed.bytes, sealed.files):
        shutil.rmtree(outputs, ignore_errors=True)
        return place
    try:
        found = digest_of_tree(outputs)
    except (OSError, TreeError) as error:
        raise ArtifactError(f"the outputs can't be read: {error}") from error
    if found != sealed.digest:
        raise ArtifactError(f"the outputs have digest {found}, sealed was {sealed.digest}")
    _close_to_writing(outputs)
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.exists():  # the rest of something broken: what we hold is whole
        _remove(place)
    _move(outputs, place)
    _flush(place.parent)
    return place


def intact(artifact: ArtifactRecord, home: Home) -> bool:
    """Answer whether an artifact's folder is there with the size and number of files that were stored."""
    place = home.artifact(artifact.digest)
    return place.is_dir() and measure(place) == (artifact.size_bytes, artifact.file_count)


def measure(folder: Path) -> tuple[int, int]:
    """Return the bytes and the number of the files under a folder."""
    size = count = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            size += os.lstat(os.path.join(parent, name)).st_size  # noqa: PTH118
            count += 1
    return size, count


def _move(folder: Path, place: Path) -> None:
    """Rename, so that the place is whole or not there; a home that is spread over disks costs a copy first."""
    try:
        folder.rename(place)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        aside = place.with_name(f".{place.name}.partial")
        shutil.rmtree(aside, ignore_errors=True)
        try:
            shutil.copytree(folder, aside)
            os.sync()
            aside.rename(place)
        except OSError:
            shutil.rmtree(aside, ignore_errors=True)
            raise
        shutil.rmtree(folder, ignore_errors=True)


def _close_to_writing(folder: Path) -> None:
    for parent, _, names in os.walk(folder):
        for name in names:
            path = Path(parent, name)
            path.chmod(stat.S_IMODE(path.lstat().st_mode) & ~0o222)


def _remove(folder: Path) -> None:
    aside = folder.with_name(f".{folder.name}.broken")
    shutil.rmtree(aside, ignore_errors=True)
    folder.rename(aside)
    shutil.rmtree(aside, ignore_errors=True)


def _flush(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
