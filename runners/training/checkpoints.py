"""Checkpoints under work/checkpoints: written aside and renamed, so that what is there is whole."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tunewright.runners.sdk import StepFailedError

_NAME = re.compile(r"checkpoint-(\d+)")
_ASIDE = "incomplete"

# What libraries say, in their own words, when the disk refuses a write (28: no space left, 27: file too large, 122:
# quota exceeded).
_DISK_WORDS = (
    "No space left",
    "os error 28",
    "os error 27",
    "os error 122",
    "File too large",
    "Disk quota exceeded",
    "PytorchStreamWriter",
)


@dataclass(frozen=True, slots=True)
class Checkpoints:
    """The checkpoints of one step, oldest first; `keep` is how many stay (None: all)."""

    folder: Path
    keep: int | None

    @property
    def aside(self) -> Path:
        """Where a checkpoint is written until it is complete."""
        return self.folder / _ASIDE

    def newest(self) -> Path | None:
        """Return the newest complete checkpoint, or None."""
        found = self._complete()
        return found[-1] if found else None

    def start(self) -> None:
        """Remove what a process that died while saving has left."""
        self.folder.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(self.aside, ignore_errors=True)

    def complete(self, step: int) -> Path:
        """Make the checkpoint of a step, written aside, the newest one, and drop the oldest ones; return its folder."""
        written = self.aside / f"checkpoint-{step}"
        sync_tree(written)
        target = self.folder / written.name
        shutil.rmtree(target, ignore_errors=True)
        written.rename(target)
        for old in self._complete()[: -self.keep] if self.keep else []:
            shutil.rmtree(old, ignore_errors=True)
        return target

    def discard_aside(self) -> None:
        """Remove a checkpoint that could not be completed."""
        shutil.rmtree(self.aside, ignore_errors=True)

    def _complete(self) -> list[Path]:
        if not self.folder.is_dir():
            return []
        numbered = [(int(match[1]), path) for path in self.folder.iterdir() if (match := _NAME.fullmatch(path.name))]
        return [path for _, path in sorted(numbered)]


def sync_tree(folder: Path) -> None:
    """Flush every file below a folder to the disk: a rename must not outlive the content it stands for."""
    for path in folder.rglob("*"):
        if path.is_file():
            descriptor = os.open(path, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


@contextmanager
def disk_errors_named(what: str) -> Iterator[None]:
    """Turn every library's way of saying that the disk is full into one failure with reason DISK_FULL."""
    try:
        yield
    except StepFailedError:
        raise
    except Exception as error:
        if not any(word in str(error) for word in _DISK_WORDS):
            raise
        raise StepFailedError(
            f"the disk is full: {what} could not be written",
            reason="DISK_FULL",
            help="free space, or set TUNEWRIGHT_HOME to a bigger disk; run again: it goes on from the last checkpoint",
        ) from error
