"""From a step of the plan to the step.json of one attempt: real paths for inputs, this machine's interpreter for
placeholders.
"""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import tunewright
from tunewright.compiler.collect.places import PlaceError, digest_at, place_of
from tunewright.compiler.ir.plan import Process, Step, StepInput, plain
from tunewright.daemon.engine.artifacts import ArtifactError, verified
from tunewright.daemon.engine.states import Entry, RunRecord
from tunewright.daemon.home import Home, cache_folder
from tunewright.daemon.secrets.delivery import Delivered, Delivery
from tunewright.daemon.secrets.provider import SecretError
from tunewright.daemon.supervise import Groups
from tunewright.runners.contract import Command, Deadlines, Input, StepFile
from tunewright.runners.environments import place

#: The environment whose interpreter is the daemon's own.
CONTROL = "control"


class InputError(RuntimeError):
    """A step can't be started with what it needs; `temporary` where that may pass by itself."""

    reason, help, temporary = "", "", False


class InputMissingError(InputError):
    """A step's input has no place: the step that makes it left nothing, or it is gone."""

    reason, help = "INPUT_MISSING", "put back what is yours, then run again: what a step made is made anew"


class InputBrokenError(InputError):
    """What an earlier step made is no longer what it made."""

    reason, help = "INTEGRITY", "run again: it is made anew; look at the disk if it comes back"


class InputChangedError(InputError):
    """An input from outside is no longer what the plan was sealed with."""

    reason, help = "INPUT_CHANGED", "submit the spec again: the new plan is made of what is there now"


class SecretUnavailableError(InputError):
    """A secret that a step needs is not there, or can't be read."""

    reason = "SECRET_UNAVAILABLE"

    def __init__(self, error: SecretError) -> None:
        super().__init__(str(error))
        self.help, self.temporary = error.help, error.temporary


@dataclass(frozen=True, slots=True)
class Interpreters:
    """Where runners' interpreters are: one environment, one interpreter."""

    root: Path

    def find(self, environment: str) -> Path | None:
        """Return the interpreter of an environment, None when it is not installed (or nobody knows it)."""
        if environment == CONTROL:
            return Path(sys.executable)
        try:
            return place.interpreter(environment, self.root)
        except KeyError:
            return None


@dataclass(frozen=True, slots=True)
class Sources:
    """Where what a step needs comes from."""

    home: Home
    interpreters: Interpreters
    delivery: Delivery
    groups: Groups = Groups()  # noqa: RUF009 - frozen


def step_file(
    step: Step, run: RunRecord, attempt: int, sources: Sources, leased: Mapping[str, str]
) -> tuple[StepFile, tuple[Entry, ...]]:
    """Return what the attempt's runner may know, and what the log should say about that; raise InputError.

    `leased` are the variables that say which devices it may use: nothing of the plan overrides them.
    Secrets are delivered at the same time, to a folder that `sources.delivery` clears again.
    """
    home, interpreters = sources.home, sources.interpreters
    launch = step.launch
    python = None if launch is None else interpreters.find(launch.environment)
    if launch is None or python is None:
        raise InputMissingError(f"the environment of step {step.name} is no longer installed")
    bundle = home.bundle(run.id, step.name, attempt)
    words = {"{python}": str(python), "{bundle}": str(bundle)}
    environment = _environment(launch.environment)
    limits = step.limits
    secrets = _delivered(step, run, bundle, sources.delivery)
    content = StepFile(
        run=run.id,
        step=step.name,
        attempt=attempt,
        kind=step.kind,
        inputs=_inputs(step, run, home, secrets),
        parameters=step.parameters,
        command=_command(launch.command, words, environment, leased),
        prepare=tuple(_command(process, words, environment, leased) for process in launch.prepare),
        files=launch.files,
        deadlines=Deadlines(
            total_seconds=limits.total_seconds, stall_seconds=limits.stall_seconds, grace_seconds=limits.grace_seconds
        ),
        service=step.service,
        estimate=plain(step.estimate),
        secrets=str(secrets.folder) if secrets else "",
        limits=sources.groups.limits(step.resources, run.id, step.name, attempt),
    )
    warnings = []
    if secrets is not None and not secrets.in_memory:
        warnings.append(_on_disk(step, attempt))
    if step.resources is not None and not sources.groups.enforced:
        warnings.append(_unlimited(step, attempt, sources.groups))
    return content, tuple(warnings)


def _delivered(step: Step, run: RunRecord, bundle: Path, delivery: Delivery) -> Delivered | None:
    names = secrets_of(step)
    try:
        return delivery.deliver(bundle, run.project, names) if names else None
    except SecretError as error:
        raise SecretUnavailableError(error) from None


def secrets_of(step: Step) -> frozenset[str]:
    """Return the names of the secrets that a step needs."""
    return frozenset(item.path for item in step.inputs.values() if item.role == "secret" and item.path)


def _on_disk(step: Step, attempt: int) -> Entry:
    message = "this machine has no place in memory (tmpfs) for secrets: they lie in the home while the step runs"
    return Entry(kind="warning", step=step.name, attempt=attempt, body={"code": "SECRETS_ON_DISK", "message": message})


def _unlimited(step: Step, attempt: int, groups: Groups) -> Entry:
    message = f"the step's `resources` are not kept within limits here: {groups.reason}"
    return Entry(kind="warning", step=step.name, attempt=attempt, body={"code": "LIMITS_NOT_KEPT", "message": message})


def _inputs(step: Step, run: RunRecord, home: Home, secrets: Delivered | None) -> dict[str, Input]:
    found = {}
    for key, item in step.inputs.items():
        if item.step is not None:
            digest = run.step(item.step).artifact
            path = None if digest is None else _made(digest, home)
        elif item.role == "secret":
            digest, path = "", None if secrets is None else str(secrets.folder / (item.path or ""))
        else:
            digest, path = item.digest, str(_outside(item, Path(run.base_directory)))
        if path is None:
            raise InputMissingError(f"input {key} of step {step.name} has no place on this machine")
        found[key] = Input(path=path, digest=digest or "", role=item.role)
    return found


def _made(digest: str, home: Home) -> str:
    try:
        return str(verified(digest, home))
    except ArtifactError as error:
        raise InputBrokenError(str(error)) from error


def _outside(item: StepInput, base_directory: Path) -> Path:
    """Return where an input from outside lies; what changed since the plan was sealed is refused, never used."""
    try:
        path = place_of(item.path or "", base_directory)
        if item.digest is not None and digest_at(path) != item.digest:
            raise InputChangedError(f"{item.path} has changed since the run was submitted")
    except PlaceError as error:
        raise InputMissingError(str(error)) from error
    except OSError as error:
        raise InputMissingError(f"{item.path} can't be read: {error.strerror}") from error
    return path


def _command(
    process: Process, words: Mapping[str, str], environment: Mapping[str, str], leased: Mapping[str, str]
) -> Command:
    def fill(text: str) -> str:
        for word, value in words.items():
            text = text.replace(word, value)
        return text

    own = {name: fill(value) for name, value in process.env.items()}
    return Command(argv=tuple(fill(text) for text in process.argv), env={**environment, **own, **leased})


def _environment(name: str) -> dict[str, str]:
    values = {"TUNEWRIGHT_CACHE": str(cache_folder()), "PYTHONUNBUFFERED": "1"}
    if name == CONTROL:
        # The runner's environment is an allow list: where our own package lies is told, not inherited.
        values["PYTHONPATH"] = os.path.dirname(next(iter(tunewright.__path__)))  # noqa: PTH120 - links stay unresolved
    return values
