"""The runners that Tunewright brings, by the kind of step they do. Standard library only.

Those of other packages are plug-ins (spec/plug_ins.py), which the compiler finds; none can replace one of these.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """How a runner is started: `python -P -m module` with the interpreter of `environment`, or of the control plane."""

    kind: str
    module: str
    environment: str | None

    def argv(self, python: str) -> tuple[str, ...]:
        """Return the start of the command line; a verb (`describe`, `probe`, `run BUNDLE`) follows."""
        return (python, "-P", "-m", self.module)


def _ours(kind: str, module: str, environment: str | None) -> Runner:
    return Runner(kind=kind, module=f"tunewright.runners.{module}", environment=environment)


BUILT_IN: Mapping[str, Runner] = {
    runner.kind: runner
    for runner in (
        _ours("fetch.model", "fetch_model", "train"),
        _ours("prepare.data", "prepare_data", "train"),
        _ours("fetch.data", "fetch_data", "train"),
        _ours("prepare.tokens", "prepare_tokens", "train"),
        _ours("train.trl", "train_trl", "train"),
        _ours("evaluate.suites", "evaluate_suites", "train"),
        _ours("evaluate.labels", "evaluate_labels", "train"),
        _ours("evaluate.vectors", "evaluate_vectors", "train"),
        _ours("evaluate.harness", "evaluate_harness", "harness"),
        _ours("export.model", "export_model", "train"),
        _ours("export.head", "export_head", "train"),
        _ours("serve.embedded", "serve_embedded", "train"),
        _ours("fake", "fake", None),
    )
}
