"""Weights & Biases, online or into a folder that `wandb sync` sends later."""

import os
from collections.abc import Mapping
from typing import Any

from tunewright.runners.training.sinks.sink import Context, Sink


class Wandb:
    """Logs into one run."""

    def __init__(self, run: Any) -> None:
        self._run = run

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Hand figures over; the library sends them."""
        self._run.log(dict(values), step=step)

    def close(self, *, succeeded: bool) -> None:
        """End the run."""
        self._run.finish(exit_code=0 if succeeded else 1)


def open_sink(context: Context) -> Sink:
    """Start a run; attempts of one step go on in the same one."""
    settings = context.settings
    os.environ.update(WANDB_SILENT="true", WANDB_ERROR_REPORTING="false", WANDB_CONSOLE="off")
    if settings["address"]:
        os.environ["WANDB_BASE_URL"] = settings["address"]
    if context.token is not None:
        os.environ["WANDB_API_KEY"] = context.token
    import wandb

    step = context.step
    run = wandb.init(
        project=settings["project"],
        entity=settings["entity"],
        mode=settings["mode"],
        dir=str(context.folder),
        name=f"{step.step} {step.run}",
        id=f"{step.run}-{step.step}",
        resume="allow",
        config={key: value for key, value in step.parameters.items() if isinstance(value, str | int | float | bool)},
        settings=wandb.Settings(disable_git=True, disable_code=True, x_disable_stats=True, x_disable_meta=True),
    )
    return Wandb(run)
