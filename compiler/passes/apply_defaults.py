"""apply_defaults: Spec + Facts -> ResolvedSpec: every value explicit, each with its provenance."""

from dataclasses import replace

from tunewright.compiler.facts import defaults
from tunewright.compiler.ir.plan import StepResources
from tunewright.compiler.ir.resolved import (
    Body,
    ModelState,
    ResolvedApprove,
    ResolvedGate,
    ResolvedSpec,
    ResolvedStep,
)
from tunewright.compiler.passes.default_alerts import default_alert
from tunewright.compiler.passes.default_evaluate import default_evaluate
from tunewright.compiler.passes.default_release import default_deploy, default_export
from tunewright.compiler.passes.default_train import default_train
from tunewright.compiler.passes.provenance import Chooser
from tunewright.compiler.passes.work import Work
from tunewright.spec.model.document import Step
from tunewright.spec.model.section import parse_duration, parse_size


def apply_defaults(work: Work) -> Work:
    """Make the ResolvedSpec; needs the references and the facts."""
    spec, references, facts = work.spec, work.references, work.facts
    assert spec is not None
    assert facts is not None
    if references is None:
        return work
    root = Chooser(work, ())
    seed = root.default("seed", spec.seed, defaults.SEED)
    determinism = root.default("determinism", spec.determinism, defaults.DETERMINISM)
    resolved: dict[str, ResolvedStep] = {}
    for name in references.order:
        step = spec.steps[name]
        chooser = Chooser(work, ("steps", name), root.provenance)
        resolved[name] = ResolvedStep(
            name=name,
            verb=step.verb,
            body=_body(work, step, (seed, determinism), resolved, chooser),
            needs=references.needs[name],
            timeout_seconds=parse_duration(step.timeout) if step.timeout else None,
            retries=chooser.default("retries", step.retries, defaults.RETRIES),
            resources=_resources(step),
        )
    whole = ResolvedSpec(
        name=spec.name,
        seed=seed,
        steps=tuple(resolved.values()),
        models={**references.models, "base": references.models.get("base", ModelState())},
        provenance=root.provenance,
        alerts=tuple(default_alert(item, root.below("alerts").below(at)) for at, item in enumerate(spec.alerts)),
    )
    return replace(work, resolved=whole)


def _resources(step: Step) -> StepResources | None:
    wanted = step.resources
    if wanted is None or (wanted.memory is None and wanted.cpus is None):
        return None
    return StepResources(memory_bytes=None if wanted.memory is None else parse_size(wanted.memory), cpus=wanted.cpus)


def _body(work: Work, step: Step, of_all: tuple[int, str], done: dict[str, ResolvedStep], chooser: Chooser) -> Body:
    inner = chooser.below(step.verb)
    seed, determinism = of_all
    if step.train is not None:
        return default_train(work, step.train, seed, determinism, done, inner)
    if step.evaluate is not None:
        return default_evaluate(work, step.evaluate, seed, inner)
    if step.export is not None:
        return default_export(work, step.export, inner)
    if step.deploy is not None:
        return default_deploy(work, step.deploy, inner)
    if step.gate is not None:
        inner.written("require")
        return ResolvedGate(require=step.gate.require, on_fail=inner.default("on_fail", step.gate.on_fail, "stop"))
    assert step.approve is not None
    inner.written("role")
    return ResolvedApprove(
        role=step.approve.role,
        approvers=inner.default("approvers", step.approve.approvers, 1),
        expires_seconds=parse_duration(step.approve.expires) if step.approve.expires else None,
    )
