"""resolve_references: names -> what they name; the order of the steps follows.

Steps depend on the steps they refer to, and on every gate or approval written above them: a gate is a line across the
page.
"""

from collections.abc import Iterator
from dataclasses import replace

from tunewright.compiler.expressions import ExpressionError, names_used
from tunewright.compiler.facts.benchmarks import BENCHMARKS
from tunewright.compiler.ir.resolved import ModelState
from tunewright.compiler.passes.mentions import Mentions
from tunewright.compiler.passes.work import References, Work
from tunewright.spec.diagnostics import Label
from tunewright.spec.document import Path
from tunewright.spec.model.document import VERBS, Spec, Step
from tunewright.spec.tuners import TUNERS

BASE = "base"
MODEL_VERBS = frozenset({"train", "export"})


def resolve_references(work: Work) -> Work:
    """Check every reference and find the order; report unknown names, wrong kinds and cycles."""
    spec = work.spec
    assert spec is not None
    for name, step in spec.steps.items():
        _check_verbs(work, name, step)
    mentions = Mentions(work)
    usable = {name: step for name, step in spec.steps.items() if len(_verbs(step)) == 1}
    needs: dict[str, list[str]] = {}
    gates: list[str] = []
    for name, step in usable.items():
        needs[name] = [target for target in _step_targets(mentions, spec, name, step) if target in usable]
        needs[name] += [gate for gate in gates if gate not in needs[name]]
        if step.verb in ("gate", "approve"):
            gates.append(name)
    for index, changing in enumerate((spec.triggers.data_changed or ()) if spec.triggers else ()):
        mentions.check("data", changing, ("triggers", "data_changed", index), spec.data)
    idle = {("steps", name) for name, step in spec.steps.items() if not _verbs(step)}
    work = replace(work, poisoned=work.poisoned | mentions.report() | idle)
    order = _order(work, needs)
    if order is None:
        return work
    models, learned = _models(usable, order)
    complete = References(
        order=order, needs={name: tuple(needs[name]) for name in order}, models=models, learned_from=learned
    )
    return replace(work, references=complete)


def _verbs(step: Step) -> list[str]:
    return [verb for verb in VERBS if getattr(step, verb) is not None]


def _check_verbs(work: Work, name: str, step: Step) -> None:
    verbs = _verbs(step)
    if name == BASE:
        work.sink.report(
            "TW1006",
            "`base` means the base model and can't name a step",
            work.key_span("steps", name),
            help="call the step otherwise",
        )
    if step.resources is not None and verbs in (["gate"], ["approve"]):
        work.sink.report(
            "TW1011",
            f"`resources` does not belong in `steps.{name}`: a step that is `{verbs[0]}` starts nothing",
            work.key_span("steps", name, "resources"),
            help="leave it out",
        )
    if len(verbs) == 1 or any(bad[:2] == ("steps", name) for bad in work.poisoned):
        return
    span = work.key_span("steps", name)
    if not verbs:
        work.sink.report(
            "TW1008",
            f"step `{name}` does nothing",
            span,
            help=f"give it one of {', '.join(f'`{verb}`' for verb in VERBS)}",
        )
    else:
        both = " and ".join(f"`{verb}`" for verb in verbs)
        work.sink.report("TW1008", f"step `{name}` has {both}", span, help="a step does one thing: make it two steps")


def _step_targets(mentions: Mentions, spec: Spec, name: str, step: Step) -> Iterator[str]:
    """Yield the steps that a step refers to, reporting those that can't be meant."""
    verb = step.verb
    match verb:
        case "train":
            assert step.train is not None
            if step.train.from_ is not None:
                yield from _model_target(mentions, spec, name, verb, "from", step.train.from_, frozenset({"train"}))
            for key, source in step.train.other_models():
                if ":" not in source:
                    yield from _model_target(mentions, spec, name, verb, key, source, frozenset({"train"}))
            _check_data(mentions, spec, name, step.train.data)
        case "evaluate":
            assert step.evaluate is not None
            yield from _model_target(mentions, spec, name, verb, "model", step.evaluate.model, MODEL_VERBS)
            for index, suite in enumerate(step.evaluate.suites):
                mentions.check("suites", suite, ("steps", name, "evaluate", "suites", index), spec.suites, BENCHMARKS)
        case "export":
            assert step.export is not None
            yield from _model_target(mentions, spec, name, verb, "model", step.export.model, frozenset({"train"}))
            if step.export.calibration is not None:
                mentions.check("data", step.export.calibration, ("steps", name, "export", "calibration"), spec.data)
        case "deploy":
            assert step.deploy is not None
            yield from _model_target(mentions, spec, name, verb, "model", step.deploy.model, MODEL_VERBS)
        case "gate":
            assert step.gate is not None
            yield from _gate_targets(spec, step.gate.require)


def _gate_targets(spec: Spec, requirements: tuple[str, ...]) -> Iterator[str]:
    seen: set[str] = set()
    for text in requirements:
        try:
            paths = names_used(text)
        except ExpressionError:
            continue  # a rule of family 4 reports it with its column
        for path in paths:
            first = path.split(".", 1)[0]
            if first in spec.steps and first not in seen:
                seen.add(first)
                yield first


def _model_target(
    mentions: Mentions, spec: Spec, name: str, verb: str, key: str | Path, target: str, allowed: frozenset[str]
) -> Iterator[str]:
    path: Path = ("steps", name, verb, *((key,) if isinstance(key, str) else key))
    work = mentions.work
    if target == BASE or work.is_poisoned(*path) or not mentions.check("steps", target, path, spec.steps, (BASE,)):
        return
    step = spec.steps[target]
    if target != name and len(_verbs(step)) == 1 and step.verb not in allowed:
        words = " or ".join(f"`{word}`" for word in sorted(allowed))
        work.sink.report(
            "TW2003",
            f"`{target}` is a step that makes no model",
            work.value_span(*path),
            f"this is {_article(step.verb)} step",
            labels=(Label(work.key_span("steps", target), "written here"),),
            help=f"name a {words} step, or `base`",
        )
        return
    yield target


def _article(verb: str) -> str:
    return f"an `{verb}`" if verb[0] in "aeiou" else f"a `{verb}`"


def _check_data(mentions: Mentions, spec: Spec, name: str, data: tuple[str, ...]) -> None:
    seen: set[str] = set()
    for index, item in enumerate(data):
        path = ("steps", name, "train", "data", index)
        if item in seen:
            mentions.work.sink.report(
                "TW2005",
                f"data set `{item}` is named twice",
                mentions.work.value_span(*path),
                help="name it once; `weight` says how often its rows are taken",
            )
        seen.add(item)
        mentions.check("data", item, path, spec.data)


def _order(work: Work, needs: dict[str, list[str]]) -> tuple[str, ...] | None:
    """Return the steps, each after what it needs, otherwise as written; None after reporting a cycle."""
    done: list[str] = []
    waiting = dict(needs)
    while waiting:
        ready = next((name for name, targets in waiting.items() if all(target in done for target in targets)), None)
        if ready is None:
            _report_cycle(work, waiting)
            return None
        done.append(ready)
        del waiting[ready]
    return tuple(done)


def _report_cycle(work: Work, waiting: dict[str, list[str]]) -> None:
    trail = [next(iter(waiting))]
    while True:
        following = next(target for target in waiting[trail[-1]] if target in waiting)
        if following in trail:
            cycle = [*trail[trail.index(following) :], following]
            break
        trail.append(following)
    labels = tuple(Label(work.key_span("steps", name), "in the circle") for name in dict.fromkeys(cycle[1:-1]))
    work.sink.report(
        "TW2002",
        f"steps wait for each other: {' -> '.join(f'`{name}`' for name in cycle)}",
        work.key_span("steps", cycle[0]),
        "waits for itself",
        labels=labels,
        help="let one of them start from `base`, or move the gate below what it measures",
    )


def _models(steps: dict[str, Step], order: tuple[str, ...]) -> tuple[dict[str, ModelState], dict[str, tuple[str, ...]]]:
    states: dict[str, ModelState] = {BASE: ModelState()}
    learned: dict[str, tuple[str, ...]] = {BASE: ()}
    for name in order:
        step = steps[name]
        if step.train is not None:
            before = states.get(step.train.from_ or BASE, ModelState())
            tuner = step.train.tuner
            is_full = (
                not TUNERS[tuner.type].makes_adapter if tuner else before.adapter is None and before.model is not None
            )
            states[name] = ModelState(model=name) if is_full else ModelState(model=before.model, adapter=name)
            learned[name] = (*step.train.data, *learned.get(step.train.from_ or BASE, ()))
        elif step.export is not None:
            before = states.get(step.export.model, ModelState())
            merge = step.export.merge is not False
            quantized = step.export.quantize is not None
            states[name] = ModelState(model=name, adapter=None if merge else before.adapter, quantized=quantized)
            learned[name] = learned.get(step.export.model, ())
    return states, learned
