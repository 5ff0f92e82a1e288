"""The whole document: the top level of a life-cycle spec."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field

from tunewright.spec.methods import METHODS
from tunewright.spec.model.alert import Alert
from tunewright.spec.model.base import Base
from tunewright.spec.model.data import DataSet, Suite
from tunewright.spec.model.evaluate import Approve, Evaluate, Gate
from tunewright.spec.model.release import Deploy, Export
from tunewright.spec.model.section import Count, Duration, Name, Positive, Section, Size, SpecName
from tunewright.spec.model.train import Determinism, Train
from tunewright.spec.plug_ins import is_plug_in

API_VERSION = "tunewright/v1"

VERBS = ("train", "evaluate", "gate", "approve", "export", "deploy")


class StepResources(Section):
    """What one step may have of the machine, with all its processes; as much as there is when not written."""

    memory: Size | None = None
    """Main memory, such as `32GiB`: a step that needs more is ended. Memory of accelerators is not counted."""

    cpus: Positive | None = None
    """Cores' worth of time, such as `4` or `0.5`: a step that wants more is slower."""


class Step(Section):
    """One step of the life: exactly one of `train`, `evaluate`, `gate`, `approve`, `export`, `deploy`."""

    train: Train | None = None
    """Learn."""

    evaluate: Evaluate | None = None
    """Measure."""

    gate: Gate | None = None
    """Require."""

    approve: Approve | None = None
    """Ask people."""

    export: Export | None = None
    """Package."""

    deploy: Deploy | None = None
    """Serve."""

    timeout: Duration | None = None
    """The step is stopped after this time."""

    retries: Annotated[int, Field(ge=0, le=20)] | None = None
    """How often a temporary failure is tried again."""

    resources: StepResources | None = None
    """What the step may have of the machine."""

    @property
    def verb(self) -> str:
        """Which of the six it is (the first written, when a mistake left several)."""
        return next(verb for verb in VERBS if getattr(self, verb) is not None)


class Resources(Section):
    """The machine a plan is for; what this machine has when not written."""

    accelerator: str
    """Name with memory, such as `a100-80gb`."""

    count: Count | None = None
    """Accelerators in one machine."""

    nodes: Count | None = None
    """Machines."""


class Triggers(Section):
    """When the whole life starts again."""

    schedule: str | None = None
    """Five cron fields, such as `0 3 1,15 * *`."""

    data_changed: tuple[Name, ...] | None = None
    """Data sets whose change starts a run."""


class Allow(Section):
    """A warning that is accepted, and why."""

    code: Annotated[str, Field(pattern=r"^TW\d{4}$")]
    """Code of the warning."""

    reason: Annotated[str, Field(min_length=8)]
    """Why it is accepted; recorded in the plan."""


class Spec(Section):
    """A life-cycle spec."""

    api_version: Literal["tunewright/v1"]
    """Version of the language: `tunewright/v1`."""

    name: SpecName
    """Name of this life; runs and deployments carry it."""

    description: str | None = None
    """For people."""

    seed: Annotated[int, Field(ge=0, lt=2**32)] | None = None
    """Seed of everything random."""

    determinism: Determinism | None = None
    """What is promised of a second run, for all training steps that do not say it themselves."""

    base: Base
    """The model that everything starts from."""

    data: dict[Name, DataSet] = Field(default_factory=dict)
    """What is learned from."""

    suites: dict[Name, Suite] = Field(default_factory=dict)
    """What is measured with."""

    steps: Annotated[dict[Name, Step], Field(min_length=1)]
    """What is done. The order follows from what steps refer to; gates and approvals hold back everything below them."""

    resources: Resources | None = None
    """The machine a plan is for."""

    triggers: Triggers | None = None
    """When the whole life starts again."""

    profiles: dict[Name, dict[str, Any]] = Field(default_factory=dict)
    """Named overlays of this document, chosen with `--profile`."""

    allow: tuple[Allow, ...] = ()
    """Warnings that are accepted, each with a reason."""

    alerts: tuple[Alert, ...] = ()
    """Who is told of what: rules over events and figures, to sinks that the daemon's `alerts.yaml` names."""

    def trains(self) -> Iterator[tuple[str, Train]]:
        """Yield the name and body of every training step."""
        for name, step in self.steps.items():
            if step.train is not None:
                yield name, step.train

    def learner_of(self, model: str) -> str | None:
        """Return the training step that the model of a step comes from, through exports; None for the base."""
        step = self.steps.get(model)
        if step is not None and step.export is not None and step.export.model != model:
            return self.learner_of(step.export.model)
        return model if step is not None and step.train is not None else None

    def answers_with(self, model: str) -> str:
        """Return what the model of a step (or `base`) answers with, in the words of spec/methods.py."""
        step = self.steps.get(self.learner_of(model) or "")
        return METHODS[step.train.method].makes if step is not None and step.train is not None else "text"


def named_plug_ins(spec: Spec) -> tuple[tuple[str, str, tuple[str | int, ...]], ...]:
    """Return kind, name and place of every plug-in that a spec names."""
    found: list[tuple[str, str, tuple[str | int, ...]]] = []
    for name, data in spec.data.items():
        for kind, key, words in (("preprocessor", "preprocess", data.preprocess), ("filter", "filter", data.filter)):
            found += [(kind, word, ("data", name, key, index)) for index, word in enumerate(words or ())]
    for name, suite in spec.suites.items():
        if suite.metric is not None and is_plug_in(suite.metric):
            found.append(("metric", suite.metric, ("suites", name, "metric")))
    for name, step in spec.steps.items():
        if step.train is not None and step.train.loss is not None:
            found.append(("loss", step.train.loss, ("steps", name, "train", "loss")))
        for verb, body in (("evaluate", step.evaluate), ("export", step.export)):
            if body is not None and body.runner is not None:
                found.append(("runner", body.runner.name, ("steps", name, verb, "runner", "name")))
        for index, reward in enumerate((step.train.rewards or ()) if step.train is not None else ()):
            if reward.name is not None and is_plug_in(reward.name):
                found.append(("reward", reward.name, ("steps", name, "train", "rewards", index, "name")))
    return tuple(found)
