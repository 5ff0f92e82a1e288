"""What a sink is, and the table of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

from tunewright.runners.contract import ExitCode, StepFile
from tunewright.runners.sdk import StepFailedError


class Sink(Protocol):
    """Takes the figures of a training."""

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Take figures measured at a step."""

    def close(self, *, succeeded: bool) -> None:
        """Write what is left; nothing is taken afterwards."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a sink may know of its step: its own settings, where it may write, its secret, the step's other settings."""

    settings: Mapping[str, Any]
    folder: Path
    token: str | None
    step: StepFile


#: Sink -> (the module it needs, how to install it).
PACKAGES: Mapping[str, tuple[str, str]] = {
    "tensorboard": ("tensorboardX", "tensorboardX==2.6.5"),
    "mlflow": ("mlflow", "mlflow-skinny==3.17.2"),
    "wandb": ("wandb", "wandb==0.31.0"),
}


def check_sinks(wanted: Mapping[str, Any], python: str) -> None:
    """Raise StepFailedError (69) for a sink whose library is not installed: before any weights are loaded."""
    for name in wanted:
        module, requirement = PACKAGES[name]
        if find_spec(module) is None:
            raise StepFailedError(
                f"`report_to: {name}` needs the package {requirement.partition('==')[0]}, which is not installed",
                reason="PACKAGE_MISSING",
                help=f"{python} -m pip install {requirement}",
                code=ExitCode.UNAVAILABLE,
            )


class Sinks:
    """All sinks of a step. They open with the first figures, so that no training starts later for them."""

    def __init__(self, wanted: Mapping[str, Any], step: StepFile, work: Path) -> None:
        self._wanted, self._step, self._work = wanted, step, work
        self._open: Sequence[Sink] | None = None

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Hand figures to all of them."""
        if self._open is None:
            self._open = [self._opened(name) for name in self._wanted]
        for sink in self._open:
            sink.log(step, values)

    def close(self, *, succeeded: bool) -> None:
        """Close those that were opened."""
        for sink in self._open or ():
            sink.close(succeeded=succeeded)
        self._open = None

    def _opened(self, name: str) -> Sink:
        secret = self._step.inputs.get(f"secret.{name}")
        token = Path(secret.path).read_text(encoding="utf-8").strip() if secret else None
        folder = self._work / name
        folder.mkdir(parents=True, exist_ok=True)
        context = Context(settings=self._wanted[name], folder=folder, token=token, step=self._step)
        opened: Sink = import_module(f"tunewright.runners.training.sinks.to_{name}").open_sink(context)
        return opened
