"""lower_evaluate: evaluation steps -> plan steps; own suites and public benchmarks each go to their runner."""

from dataclasses import replace
from typing import Any

from tunewright.compiler.facts.benchmarks import BENCHMARKS
from tunewright.compiler.ir.plan import Step
from tunewright.compiler.ir.resolved import ResolvedEvaluate, ResolvedStep, ResolvedTrain
from tunewright.compiler.passes import lowering
from tunewright.compiler.passes.work import Work
from tunewright.spec.model.data import Suite

#: Metrics of own suites whose scoring is not built yet.
_PLANNED_METRICS = {"bertscore": "the BERTScore metric", "judge": "scoring by a judge model"}

#: What models that do not write answer with -> the kind of step that measures it.
_OWN_KINDS = {"label": "evaluate.labels", "vector": "evaluate.vectors"}


def lower_evaluate(work: Work) -> Work:
    """Add the plan steps of all evaluation steps."""
    if work.resolved is None:
        return work
    found = [(step, step.body) for step in work.resolved.steps if isinstance(step.body, ResolvedEvaluate)]
    return replace(work, steps=(*work.steps, *(_lower(work, step, body) for step, body in found)))


def is_benchmark(suite: Suite | None, name: str) -> bool:
    """True when a suite is a public benchmark: declared as one, or named without being declared."""
    return suite.benchmark is not None if suite else name in BENCHMARKS


def _lower(work: Work, step: ResolvedStep, body: ResolvedEvaluate) -> Step:
    assert work.spec is not None
    own = [name for name in body.suites if not is_benchmark(work.spec.suites.get(name), name)]
    public = [name for name in body.suites if name not in own]
    makes = work.spec.answers_with(body.model)
    kind = _OWN_KINDS.get(makes, "evaluate.suites") if own else "evaluate.harness"
    kind = body.runner.name if body.runner else kind
    inputs = lowering.model_inputs(work, body.model)
    parameters = _parameters(work, body, makes)
    identity = {
        **lowering.identity_of(f"steps.{step.name}.evaluate", body),
        **lowering.environment_identity(work, kind),
    }
    # Ours does one of the two; a package's is told of both.
    if own:
        parameters["suites"] = {name: _add_own(work, body, name, inputs, identity) for name in own}
    if public and (body.runner or not own):
        parameters["tasks"] = {name: _add_public(work, body, name, inputs, identity) for name in public}
    parameters |= lowering.runner_parameters(body.runner)
    return lowering.made(
        work,
        step,
        kind=kind,
        summary=_summary(work, body, own, public),
        inputs=inputs,
        parameters=parameters,
        launch=lowering.launch(kind, lowering.runner_argv(work, kind), device=body.device, threads=body.threads),
        identity=identity,
        needs=lowering.upstream_identity(inputs),
        not_executable=lowering.unknown_runner(work, body.runner)
        if body.runner
        else lowering.not_executable(*_unsupported(work, own, public, body), lowering.too_large(step)),
    )


def _parameters(work: Work, body: ResolvedEvaluate, makes: str) -> dict[str, Any]:
    """Return the parameters but for the suites: of a model that does not write, how its training step read texts."""
    shared = {
        "batch_size": body.batch_size,
        "precision": body.precision,
        "device": body.device,
        "threads": body.threads,
    }
    if makes not in _OWN_KINDS:
        replies = {"max_new_tokens": body.max_new_tokens, "temperature": body.temperature}
        return shared | replies | {"seed": body.seed, "system_prompt": body.system_prompt}
    assert work.resolved is not None
    assert work.spec is not None
    made = work.resolved.step(work.spec.learner_of(body.model) or "")
    assert made is not None
    assert isinstance(made.body, ResolvedTrain)
    return shared | {"max_length": made.body.max_length}


def _add_own(
    work: Work, body: ResolvedEvaluate, name: str, inputs: dict[str, Any], identity: dict[str, Any]
) -> dict[str, Any]:
    assert work.spec is not None
    assert work.facts is not None
    suite, facts = work.spec.suites[name], work.facts.suites[name]
    inputs |= lowering.file_inputs(f"suite.{name}", "suite", facts.files)
    identity |= {
        f"suites.{name}": facts.digest,
        f"suites.{name}.metric": suite.metric,
        **lowering.plug_in_identity(work, "metric", [suite.metric]),
        f"suites.{name}.pattern": suite.pattern,
        f"suites.{name}.limit": suite.limit,
    }
    if suite.json_schema:
        schema = work.facts.files[suite.json_schema]
        inputs |= lowering.file_inputs(f"schema.{name}", "schema", [schema])
        identity[f"file.{suite.json_schema}"] = schema.digest
    return {"metric": suite.metric, "limit": suite.limit or body.limit, "pattern": suite.pattern}


def _add_public(
    work: Work, body: ResolvedEvaluate, name: str, inputs: dict[str, Any], identity: dict[str, Any]
) -> dict[str, Any]:
    assert work.spec is not None
    assert work.facts is not None
    suite = work.spec.suites.get(name)
    task = (suite.benchmark if suite else None) or name
    if suite and suite.data:
        folder = work.facts.files[suite.data]
        inputs |= lowering.file_inputs(f"task.{name}", "data", [folder])
        identity[f"file.{suite.data}"] = folder.digest
    identity |= {f"suites.{name}.benchmark": task, f"suites.{name}.limit": suite.limit if suite else None}
    return {
        "task": BENCHMARKS[task].task if task in BENCHMARKS else task,
        "limit": (suite.limit if suite else None) or body.limit,
        "data": bool(suite and suite.data),
    }


def _unsupported(work: Work, own: list[str], public: list[str], body: ResolvedEvaluate) -> list[str | None]:
    assert work.spec is not None
    assert work.resolved is not None
    metrics = [work.spec.suites[name].metric for name in own]
    without_data = [name for name in public if not ((suite := work.spec.suites.get(name)) and suite.data)]
    return [
        lowering.unreadable_base(work),
        *(
            f"{_PLANNED_METRICS[metric]} is not built yet"
            for metric in dict.fromkeys(metrics)
            if metric in _PLANNED_METRICS
        ),
        "own suites and public benchmarks in one step are not built yet: make two steps" if own and public else None,
        f"benchmark data of {', '.join(without_data)} must be here: name its folder under `suites`"
        if without_data
        else None,
        f"evaluation on {body.device} devices is not built yet" if body.device in ("npu", "mps") else None,
    ]


def _summary(work: Work, body: ResolvedEvaluate, own: list[str], public: list[str]) -> str:
    assert work.facts is not None
    limited = []
    for name in [*own, *public]:
        rows = work.facts.suites[name].rows if name in own else None
        rows = min(rows, body.limit) if rows and body.limit else rows or body.limit
        limited.append(f"{name} {rows}" if rows else name)
    by = f", by {body.runner.name}" if body.runner else ""
    return f"{body.model}: " + " + ".join(limited) + by
