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
    if place.is_dir() and measure(place) == (sealed.bytes, sealed.files) and _digest(place) == sealed.digest:
        shutil.rmtree(outputs, ignore_errors=True)
        return place
    found = _digest(outputs)
    if found != sealed.digest:
        raise ArtifactError(f"the outputs have digest {found}, sealed was {sealed.digest}")
    _make_own(outputs)
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.exists():  # the rest of something broken: what we hold is whole
        shutil.rmtree(_set_aside(place), ignore_errors=True)
    _move(outputs, place)
    _flush(place.parent)
    return place


def verified(digest: str, home: Home) -> Path:
    """Return the folder of an artifact after reading all of it.

    One that is not what it was is moved aside, so that its step is done anew, and ArtifactError raised.
    """
    place = home.artifact(digest)
    if not place.is_dir():
        raise ArtifactError(f"artifact {digest} is gone")
    if _digest(place) != digest:
        aside = _set_aside(place)
        raise ArtifactError(f"artifact {digest} has changed on disk; what is left of it was moved to {aside}")
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


def _digest(folder: Path) -> str:
    try:
        return digest_of_tree(folder)
    except (OSError, TreeError) as error:
        raise ArtifactError(f"{folder} can't be read: {error}") from error


def _make_own(folder: Path) -> None:
    """Close every file to writing. One that has another name elsewhere is copied first: through that name it could be
    changed later, and what lies there is not ours to close.
    """
    for parent, _, names in os.walk(folder):
        for name in names:
            path = Path(parent, name)
            if path.lstat().st_nlink > 1:
                aside = path.with_name(f".{name}.own")
                shutil.copyfile(path, aside)
                aside.replace(path)
            path.chmod(stat.S_IMODE(path.lstat().st_mode) & ~0o222)


def _set_aside(folder: Path) -> Path:
    aside = folder.with_name(f".{folder.name}.broken")
    shutil.rmtree(aside, ignore_errors=True)
    folder.rename(aside)
    return aside


def _flush(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
