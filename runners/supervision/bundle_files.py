"""The small files of a bundle that only the supervisor touches: step files, ballast, the last word."""

import os
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from tunewright.runners import contract
from tunewright.runners.contract import ContractError
from tunewright.runners.supervision.event_lines import read_line
from tunewright.runners.supervision.plain_files import NotPlainError, open_plain
from tunewright.runners.supervision.record import ExitRecord

_BALLAST = ".ballast"
_BALLAST_BYTES = 128 * 1024
_FAILURE_WINDOW_BYTES = 256 * 1024
_WRITE_TRIES = 600


def write_step_files(work: Path, files: Mapping[str, str]) -> None:
    """Write step.json's `files` under work/; raise ContractError for a name that leads elsewhere."""
    for name, text in files.items():
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or not path.parts or "\0" in name:
            raise ContractError(f"`files` may only name files below work/, not `{name}`")
        target = work / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.parent.resolve().is_relative_to(work.resolve()):
            raise ContractError(f"`{name}` leads out of work/ through a link")
        target.unlink(missing_ok=True)
        target.write_text(text, encoding="utf-8")


def lay_ballast(bundle: Path) -> None:
    """Keep some blocks of the disk for the exit record. An attempt without it is still better than none."""
    try:
        descriptor = os.open(bundle / _BALLAST, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, _BALLAST_BYTES)
        finally:
            os.close(descriptor)
    except OSError:
        return


def write_exit(bundle: Path, record: ExitRecord) -> None:
    """Write exit.json durably. A full disk costs the ballast first, then the log's last lines, then time."""
    (bundle / _BALLAST).unlink(missing_ok=True)
    for attempt in range(_WRITE_TRIES):
        try:
            contract.write_durably(bundle / contract.EXIT, record.to_json())
        except OSError:
            if not bundle.is_dir():  # somebody removed it under us: nobody can be told any more
                return
            record = replace(record, log_tail=())
            if attempt:
                time.sleep(1)
        else:
            return


def last_word(events: Path, offset: int, kind: str) -> dict[str, Any] | None:
    """Return the last event of a kind (`failure`, `paused`) written since `offset`, if within the last 256 KiB."""
    try:
        with os.fdopen(open_plain(events), "rb") as stream:
            stream.seek(max(offset, os.fstat(stream.fileno()).st_size - _FAILURE_WINDOW_BYTES))
            lines = stream.read().splitlines()
    except (OSError, NotPlainError):
        return None
    for line in reversed(lines):
        if kind.encode() in line and (event := read_line(line)) is not None and event.get("kind") == kind:
            return event
    return None
