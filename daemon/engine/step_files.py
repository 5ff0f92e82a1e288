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
from tunewright.daemon.engine.states import RunRecord
from tunewright.daemon.home import Home, cache_folder
from tunewright.runners.contract import Command, Deadlines, Input, StepFile
from tunewright.runners.environments import place

#: The environment whose interpreter is the daemon's own.
CONTROL = "control"


class InputMissingError(RuntimeError):
    """A step's input has no place: the step that makes it left nothing, or it is gone."""

    reason, help = "INPUT_MISSING", "put back what is yours, then run again: what a step made is made anew"


class InputBrokenError(RuntimeError):
    """What an earlier step made is no longer what it made."""

    reason, help = "INTEGRITY", "run again: it is made anew; look at the disk if it comes back"


class InputChangedError(RuntimeError):
    """An input from outside is no longer what the plan was sealed with."""

    reason, help = "INPUT_CHANGED", "submit the spec again: the new plan is made of what is there now"


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


def step_file(step: Step, run: RunRecord, attempt: int, home: Home, interpreters: Interpreters) -> StepFile:
    """Return what the attempt's runner may know; raise InputMissingError, InputBrokenError or InputChangedError."""
    launch = step.launch
    python = None if launch is None else interpreters.find(launch.environment)
    if launch is None or python is None:
        raise InputMissingError(f"the environment of step {step.name} is no longer installed")
    bundle = home.bundle(run.id, step.name, attempt)
    words = {"{python}": str(python), "{bundle}": str(bundle)}
    environment = _environment(launch.environment)
    limits = step.limits
    return StepFile(
        run=run.id,
        step=step.name,
        attempt=attempt,
        kind=step.kind,
        inputs=_inputs(step, run, home),
        parameters=step.parameters,
        command=_command(launch.command, words, environment),
        prepare=tuple(_command(process, words, environment) for process in launch.prepare),
        files=launch.files,
        deadlines=Deadlines(
            total_seconds=limits.total_seconds, stall_seconds=limits.stall_seconds, grace_seconds=limits.grace_seconds
        ),
        service=step.service,
        estimate=plain(step.estimate),
    )


def _inputs(step: Step, run: RunRecord, home: Home) -> dict[str, Input]:
    found = {}
    for key, item in step.inputs.items():
        if item.step is not None:
            digest = run.step(item.step).artifact
            path = None if digest is None else _made(digest, home)
        elif item.role == "secret":
            digest, path = "", str(_secret(item.path or "", home.secrets(run.project)))
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


def _secret(name: str, folder: Path) -> Path:
    path = folder / name
    if not path.is_file():
        raise InputMissingError(f"there is no secret {name}; store it with `tunewright secret set {name}`")
    return path


def _command(process: Process, words: Mapping[str, str], environment: Mapping[str, str]) -> Command:
    def fill(text: str) -> str:
        for word, value in words.items():
            text = text.replace(word, value)
        return text

    own = {name: fill(value) for name, value in process.env.items()}
    return Command(argv=tuple(fill(text) for text in process.argv), env={**environment, **own})


def _environment(name: str) -> dict[str, str]:
    values = {"TUNEWRIGHT_CACHE": str(cache_folder()), "PYTHONUNBUFFERED": "1"}
    if name == CONTROL:
        # The runner's environment is an allow list: where our own package lies is told, not inherited.
        values["PYTHONPATH"] = os.path.dirname(next(iter(tunewright.__path__)))  # noqa: PTH120 - links stay unresolved
    return values
