"""The border between daemon and work: a process and a directory. Standard library only.

    bundle/  step.json        in    what to do (immutable)
             inputs/ work/    work/ is the runner's cwd and survives a retry
             outputs/         the artefact: everything in it is sealed with digests when the step succeeds
             events.jsonl     out   appended, one object a line: {"seq": 1, "time": "...", "kind": "progress", ...}
             stdout.log stderr.log
             supervisor.json  out   pid, start ticks, boot id of the supervisor and of the runner
             claim.json       out   made with O_EXCL just before the runner is started: at most one start per attempt
             lock                   flock held while the supervisor lives
             cancel           in    appears when cancellation is wanted: {"mode": "graceful" | "now", "reason": "..."}
             pause            in    appears when a pause is wanted: {"reason": "..."}; a runner that can't pause goes on
             exit.json        out   written last (fsync, rename): the attempt is over

See docs/runner-contract.md, which is normative.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, field
from pathlib import Path
from typing import Any

from tunewright.spec.record import record

CONTRACT_VERSION = 1

STEP, EVENTS, EXIT, CANCEL, PAUSE, LOCK, CLAIM, SUPERVISOR = (
    "step.json", "events.jsonl", "exit.json", "cancel", "pause", "lock", "claim.json", "supervisor.json",
)  # fmt: skip
STDOUT, STDERR = "stdout.log", "stderr.log"
INPUTS, WORK, OUTPUTS = "inputs", "work", "outputs"

#: Event kinds of the core set. Others are stored, never dropped.
EVENT_KINDS = (
    "started",     # {}                                        the runner is up and has understood the bundle
    "phase",       # {"name": text}                            loading model, training, saving ...
    "progress",    # {"done": n, "total": n, "unit": text, "eta_seconds": n?}
    "metric",      # {"step": n, "values": {name: number}}     loss, learning_rate, grad_norm, tokens_per_second ...
    "checkpoint",  # {"step": n, "path": text, "digest": text}
    "artifact",    # {"role": text, "path": text}              what outputs/ holds: adapter, model, evaluation ...
    "evaluation",  # {"suite": text, "metric": text, "value": number, "rows": n, "error": number?}
    "data_report", # {"data": text, "values": {name: number}}  what became of a data set's rows, in counts
    "sample",      # {"prompt": text, "reply": text}           one real answer, for people to look at
    "summary",     # {"values": {name: number or text}}        the few figures that the run's summary shows
    "warning",     # {"code": text, "message": text}
    "failure",     # {"reason": text, "message": text, "help": text}   why it failed, for the user
    "watchdog",    # {"signal": text, "policy": text, "message": text}   its watch tripped, and what it does about it
    "rollback",    # {"step": n, "signal": text, "checkpoint": text, "message": text}   what was learnt since is undone
    "paused",      # {"reason": text, "message": text, "help": text, "checkpoint": text?}   it can go on from there
    "ready",       # {"address": text}                         a service answers
    "heartbeat",   # {}
)  # fmt: skip

MAX_EVENT_BYTES = 64 * 1024


class ExitCode:
    """What a runner's exit code means to the daemon."""

    OK = 0
    FAILED = 1
    NOT_UNDERSTOOD = 64
    UNAVAILABLE = 69
    TEMPORARY = 75
    PAUSED = 76
    IMPOSSIBLE = 78
    CANCELLED = 130


@record(kw_only=True)
class Input:
    """One thing the step reads: a model or adapter folder, a data file, an evaluation."""

    path: str
    digest: str
    role: str


@record(kw_only=True)
class Deadlines:
    """Limits in seconds; None means none.

    `stall`: no event for that long counts as hung. `grace`: from SIGTERM to SIGKILL.
    """

    total_seconds: float | None = None
    stall_seconds: float | None = None
    grace_seconds: float = 10.0


@record(kw_only=True)
class Limits:
    """What the work may have of the machine, None for no limit, and the control group that keeps it to that.

    `cpus` are cores' worth of time. `group` is a folder; without limits it is there to find and end all of the work.
    """

    memory_bytes: int | None = None
    cpus: float | None = None
    group: str | None = None


@record(kw_only=True)
class Command:
    """A process to start: an argument list (never a shell line) and the environment on top of the allow list."""

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)


@record(kw_only=True)
class StepFile:
    """The content of step.json: everything a runner may know.

    `files` are written under work/ before the start (DeepSpeed JSON and the like); `prepare` runs first, in order;
    `service` marks a step that stays: it is done when cancelled, ready when it emits `ready`. `estimate` is what the
    plan expects it to take (memory_bytes, capacity_bytes, seconds, savings), for what is said when it took more.
    `secrets` is the folder that this attempt's secrets lie in; the supervisor removes it at the end.
    """

    contract_version: int = CONTRACT_VERSION
    run: str
    step: str
    attempt: int
    kind: str
    inputs: Mapping[str, Input]
    parameters: Mapping[str, Any]
    command: Command
    prepare: tuple[Command, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    deadlines: Deadlines = field(default_factory=Deadlines)
    service: bool = False
    estimate: Mapping[str, Any] = field(default_factory=dict)
    secrets: str = ""
    limits: Limits = field(default_factory=Limits)

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that step.json holds."""
        return asdict(self)

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> "StepFile":
        """Read a step.json object; raise ContractError when it is of another contract or not complete."""
        try:
            if value["contract_version"] != CONTRACT_VERSION:
                raise ContractError(
                    f"contract version {value['contract_version']}, this runner speaks {CONTRACT_VERSION}"
                )
            return StepFile(
                run=value["run"],
                step=value["step"],
                attempt=value["attempt"],
                kind=value["kind"],
                inputs={name: Input(**item) for name, item in value["inputs"].items()},
                parameters=value["parameters"],
                command=_command(value["command"]),
                prepare=tuple(_command(item) for item in value.get("prepare", ())),
                files=value.get("files", {}),
                deadlines=Deadlines(**value.get("deadlines", {})),
                service=value.get("service", False),
                estimate=value.get("estimate", {}),
                secrets=value.get("secrets", ""),
                limits=Limits(**value.get("limits", {})),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ContractError(f"step.json is not complete: {error}") from error


class ContractError(ValueError):
    """The bundle does not follow the contract; a runner exits with 64."""


def _command(value: Mapping[str, Any]) -> Command:
    return Command(argv=tuple(value["argv"]), env=value.get("env", {}))


def read_step(bundle: Path) -> StepFile:
    """Read step.json of a bundle; raise ContractError when it can't be understood."""
    try:
        return StepFile.from_json(json.loads((bundle / STEP).read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise error if isinstance(error, ContractError) else ContractError(f"{STEP}: {error}") from error


def write_durably(path: Path, value: Any) -> None:
    """Write a JSON file so that after a crash it is there whole or not at all.

    Written aside, fsync, rename, fsync of the folder.
    """
    aside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with aside.open("w", encoding="utf-8") as stream:
        json.dump(value, stream, ensure_ascii=False, indent=1, sort_keys=True)
        stream.write("\n")
        stream.flush()
        os.fsync(stream.fileno())
    aside.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
