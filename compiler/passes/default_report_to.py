"""Defaults of where a training's figures go: files beside the step; nothing leaves the machine unless written."""

from tunewright.compiler.passes.provenance import Chooser
from tunewright.compiler.passes.work import Work
from tunewright.spec.model.tracking import ReportTo


def default_report_to(work: Work, written: ReportTo | None, chooser: Chooser) -> dict[str, dict[str, object]]:
    """Return each sink that is wanted with its settings, every value explicit; tokens stay references."""
    assert work.spec is not None
    wanted, inner = written or ReportTo(), chooser.below("report_to")
    sinks: dict[str, dict[str, object]] = {}
    if inner.default("tensorboard", wanted.tensorboard, True):
        sinks["tensorboard"] = {}
    if wanted.mlflow is not None:
        own = inner.below("mlflow")
        own.written("address")
        sinks["mlflow"] = {
            "address": wanted.mlflow.address,
            "experiment": own.default("experiment", wanted.mlflow.experiment, work.spec.name, "the spec's name"),
            "token": own.optional("token", wanted.mlflow.token),
        }
    if wanted.wandb is not None:
        own = inner.below("wandb")
        sinks["wandb"] = {
            "project": own.default("project", wanted.wandb.project, work.spec.name, "the spec's name"),
            "entity": own.optional("entity", wanted.wandb.entity),
            "mode": own.default("mode", wanted.wandb.mode, "online"),
            "address": own.optional("address", wanted.wandb.address),
            "token": own.optional("token", wanted.wandb.token),
        }
    return sinks
