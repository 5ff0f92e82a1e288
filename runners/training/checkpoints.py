"""Checkpoints under work/checkpoints: written aside, read back, renamed; so that what is there is whole."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tunewright.runners.sdk import Reporter, StepFailedError
from tunewright.runners.training.checkpoint_check import check_files
from tunewright.runners.training.checkpoint_manifest import (
    CheckpointBrokenError,
    CheckpointManifest,
    Origin,
    manifest_of,
    verify,
)

_NAME = re.compile(r"checkpoint-(\d+)")
_ASIDE = "incomplete"
_BROKEN = "broken"

# Pickles and cards that the libraries add and nothing ever reads.
_NOT_NEEDED = ("training_args.bin", "README.md", "zero_to_fp32.py", "zero_to_torch.py")

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
    "inline_container",  # torch says where, not why
)


@dataclass(frozen=True, slots=True)
class Checkpoints:
    """The checkpoints of one step, oldest first; `keep` is how many stay (None: all), `origin` what made them."""

    folder: Path
    keep: int | None
    origin: Origin

    @property
    def aside(self) -> Path:
        """Where a checkpoint is written until it is complete."""
        return self.folder / _ASIDE

    def newest(self) -> Path | None:
        """Return the newest complete checkpoint as it was renamed, or None; `newest_whole` also reads it."""
        found = self._complete()
        return found[-1] if found else None

    def newest_whole(self, report: Reporter) -> Path | None:
        """Return the newest checkpoint whose files are what its manifest says, or None.

        Broken ones are put aside with a warning.
        """
        for folder in reversed(self._complete()):
            try:
                verify(folder)
            except CheckpointBrokenError as error:
                report.emit("warning", code="checkpoint-skipped", message=f"{folder.name} is not used: {error}")
                shutil.rmtree(self.folder / _BROKEN, ignore_errors=True)
                folder.rename(self.folder / _BROKEN)
                continue
            return folder
        return None

    def at(self, step: int) -> Path:
        """Return where the checkpoint of a step is, whether there is one or not."""
        return self.folder / f"checkpoint-{step}"

    def start(self) -> None:
        """Remove what a process that died while saving has left."""
        self.folder.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(self.aside, ignore_errors=True)

    def complete(self, step: int, *, tokens: int) -> CheckpointManifest:
        """Read the checkpoint of a step, written aside, back and make it the newest one; drop the oldest ones.

        Raises StepFailedError when it can't be read or holds NaN: then the one before stays the newest.
        """
        written = self.aside / f"checkpoint-{step}"
        for name in _NOT_NEEDED:
            (written / name).unlink(missing_ok=True)
        try:
            check_files(written)
        except CheckpointBrokenError as error:
            raise _broken(step, error, self.newest()) from error
        manifest = manifest_of(written, step=step, tokens=tokens, origin=self.origin)
        manifest.write(written)
        sync_tree(written)
        target = self.at(step)
        shutil.rmtree(target, ignore_errors=True)
        written.rename(target)
        _sync(self.folder)
        for old in self._complete()[: -self.keep] if self.keep else []:
            shutil.rmtree(old, ignore_errors=True)
        return manifest

    def discard_aside(self) -> None:
        """Remove a checkpoint that could not be completed."""
        shutil.rmtree(self.aside, ignore_errors=True)

    def _complete(self) -> list[Path]:
        if not self.folder.is_dir():
            return []
        numbered = [(int(match[1]), path) for path in self.folder.iterdir() if (match := _NAME.fullmatch(path.name))]
        return [path for _, path in sorted(numbered)]


def sync_tree(folder: Path) -> None:
    """Flush all files and folders below a folder to the disk: a rename must not outlive the content it stands for."""
    for path in (*folder.rglob("*"), folder):
        _sync(path)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _broken(step: int, error: Exception, newest: Path | None) -> StepFailedError:
    kept = f"{newest.name} is kept" if newest else "there is none before it"
    return StepFailedError(
        f"checkpoint-{step} is not usable as it was written: {error}; {kept}",
        reason="CHECKPOINT_BROKEN",
        help="NaN: lower `learning_rate` or set `max_grad_norm`; a file that can't be read back: look at the disk",
    )


@contextmanager
def disk_errors_named(what: str, kept: Path | None = None) -> Iterator[None]:
    """Turn every library's way of saying that the disk is full into one failure with reason DISK_FULL.

    `kept` is the checkpoint that is as whole as it was.
    """
    try:
        yield
    except StepFailedError:
        raise
    except Exception as error:
        if not any(word in str(error) for word in _DISK_WORDS):
            raise
        raise StepFailedError(
            f"the disk is full: {what} could not be written" + (f"; {kept.name} is kept" if kept else ""),
            reason="DISK_FULL",
            help="free space, or set TUNEWRIGHT_HOME to a bigger disk; run again: it goes on from the last checkpoint",
        ) from error
