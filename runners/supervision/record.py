"""The records that a supervisor leaves in the bundle: the claim, who runs, how it ended."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from tunewright.runners import contract
from tunewright.runners.supervision.plain_files import read_plain
from tunewright.runners.supervision.processes import ProcessIdentity
from tunewright.spec.record import record


@record(kw_only=True)
class SealedOutputs:
    """The artefact of a step: the tree digest of outputs/, its size and its number of files."""

    digest: str
    bytes: int
    files: int


@record(kw_only=True)
class ExitRecord:
    """exit.json: how an attempt ended.

    `code` is one of the contract's exit codes (or the runner's own, or 128 + signal); `reason` an UPPER_SNAKE word,
    SUCCEEDED when all went well; `message` and `help` are sentences for people; `outputs` is None unless the outputs
    were sealed; `started` is None when nothing was started. Times are UTC; the clock of `seconds` never jumps.
    """

    code: int
    signal: int | None = None
    reason: str
    message: str = ""
    help: str = ""
    started: str | None = None
    ended: str
    seconds: float
    outputs: SealedOutputs | None = None
    peak_memory_bytes: int | None = None
    log_tail: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that exit.json holds."""
        return asdict(self)

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> "ExitRecord":
        """Read exit.json back, ignoring keys of later versions; raise ValueError when it is not one."""
        try:
            known = {name: value[name] for name in (item.name for item in fields(ExitRecord)) if name in value}
            known["log_tail"] = tuple(known.get("log_tail", ()))
            if known.get("outputs") is not None:
                known["outputs"] = SealedOutputs(**known["outputs"])
            return ExitRecord(**known)
        except (TypeError, KeyError) as error:
            raise ValueError(f"{contract.EXIT} is not an exit record: {error}") from error


def claim(bundle: Path, owner: str) -> bool:
    """Take the one start that an attempt has; False when it is taken. Durable: a power cut does not give it back."""
    try:
        descriptor = os.open(bundle / contract.CLAIM, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        return False
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        json.dump({"owner": owner, "pid": os.getpid()}, stream)
        stream.flush()
        os.fsync(stream.fileno())
    folder = os.open(bundle, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return True


def write_processes(bundle: Path, supervisor: ProcessIdentity, runner: ProcessIdentity | None) -> None:
    """Say who runs. Whole or not at all, but not flushed: after a power cut none of them lives anyway."""
    value = {"supervisor": supervisor.to_json(), "runner": runner.to_json() if runner else None}
    aside = bundle / f".{contract.SUPERVISOR}.tmp"
    aside.write_text(json.dumps(value) + "\n", encoding="utf-8")
    aside.replace(bundle / contract.SUPERVISOR)


def read_processes(bundle: Path) -> tuple[ProcessIdentity | None, ProcessIdentity | None]:
    """Return the recorded supervisor and runner; None for what is not recorded or not readable."""
    try:
        value = json.loads(read_plain(bundle / contract.SUPERVISOR))
    except (OSError, ValueError):
        return None, None
    if not isinstance(value, dict):
        return None, None
    return ProcessIdentity.from_json(value.get("supervisor")), ProcessIdentity.from_json(value.get("runner"))
