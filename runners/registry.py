"""Find the runner of a kind of step: ours, then installed ones, then programs on PATH. Standard library only."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata

ENTRY_POINT_GROUP = "tunewright.runners"
PROGRAM_PREFIX = "tunewright-runner-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """How a runner is started: `python -P -m module`, or `program`.

    `environment` names whose interpreter `python` is; None is the control plane's own.
    """

    kind: str
    module: str | None = None
    program: str | None = None
    environment: str | None = None

    def argv(self, python: str) -> tuple[str, ...]:
        """Return the start of the command line; a verb (`describe`, `probe`, `run BUNDLE`) follows."""
        if self.program is not None:
            return (self.program,)
        return (python, "-P", "-m", str(self.module))


class UnknownRunnerError(LookupError):
    """Nothing installed does this kind of step."""


def _ours(kind: str, module: str, environment: str | None) -> Runner:
    return Runner(kind=kind, module=f"tunewright.runners.{module}", environment=environment)


#: The runners that Tunewright brings, by the kind of step they do.
BUILT_IN: Mapping[str, Runner] = {
    runner.kind: runner
    for runner in (
        _ours("fetch.model", "fetch_model", "train"),
        _ours("prepare.data", "prepare_data", "train"),
        _ours("fetch.data", "fetch_data", "train"),
        _ours("prepare.tokens", "prepare_tokens", "train"),
        _ours("train.trl", "train_trl", "train"),
        _ours("evaluate.suites", "evaluate_suites", "train"),
        _ours("evaluate.harness", "evaluate_harness", "harness"),
        _ours("export.model", "export_model", "train"),
        _ours("serve.embedded", "serve_embedded", "train"),
        _ours("fake", "fake", None),
    )
}


def find_runner(kind: str) -> Runner:
    """Return the runner of a kind; raise UnknownRunnerError.

    Order: the table above, an entry point named like the kind in the group `tunewright.runners`, a program
    `tunewright-runner-KIND` on PATH. An installed package can't replace one of ours: what a sealed plan runs must not
    depend on what else is installed.
    """
    if kind in BUILT_IN:
        return BUILT_IN[kind]
    for entry in metadata.entry_points(group=ENTRY_POINT_GROUP, name=kind):
        return Runner(kind=kind, module=entry.module)
    if (program := shutil.which(f"{PROGRAM_PREFIX}{kind}")) is not None:
        return Runner(kind=kind, program=program)
    raise UnknownRunnerError(
        f"nothing installed does steps of kind `{kind}`; known: {', '.join(sorted(BUILT_IN))}; others are found "
        f"through the entry-point group `{ENTRY_POINT_GROUP}` or as `{PROGRAM_PREFIX}{kind}` on PATH"
    )
