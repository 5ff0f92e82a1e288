"""Family 7, alerts: rules that can be decided, sinks that are there, gates that somebody hears."""

from collections.abc import Iterator

from tunewright.compiler.expressions import ExpressionError, names_used
from tunewright.compiler.passes.work import Work
from tunewright.compiler.rules.evaluation import check_metric, place_inside
from tunewright.compiler.rules.rule import Phase, Rule
from tunewright.spec.model.alert import Alert
from tunewright.spec.model.document import Spec
from tunewright.spec.source import Span
from tunewright.spec.suggest import listed, nearest, suggestion

#: Figures of a training step are written like a metric: `steps.sft.loss`.
LIVE = "steps"
_TRIGGERS = ("events", "when", "queued_for")
#: Events that only steps of one verb bring about.
_VERB_OF = {"watchdog": "train", "deployment_unhealthy": "deploy", "deployment_failed": "deploy"}


def _alerts(work: Work) -> Iterator[tuple[int, Alert]]:
    assert work.spec is not None
    for index, alert in enumerate(work.spec.alerts):
        if not work.is_poisoned("alerts", index):
            yield index, alert


def _check_triggers(work: Work) -> None:
    for index, alert in _alerts(work):
        written = [key for key in _TRIGGERS if getattr(alert, key) is not None]
        if len(written) == 1 or any(work.is_suspect("alerts", index, key) for key in _TRIGGERS):
            continue
        what = f"has {' and '.join(f'`{key}`' for key in written)}" if written else "says nothing of what it tells"
        work.sink.report(
            "TW7301",
            f"this rule {what}",
            work.value_span("alerts", index),
            help="give each rule one of `events`, `when` and `queued_for`; several things are several rules",
        )


def _check_conditions(work: Work) -> None:
    said: set[str] = set()
    for index, alert in _alerts(work):
        if alert.when is None or work.is_poisoned("alerts", index, "when"):
            continue
        text, span = alert.when, work.value_span("alerts", index, "when")
        try:
            paths = names_used(text)
        except ExpressionError as error:
            place = place_inside(span, text, error.column, 1)
            work.sink.report(
                "TW7302",
                f"not a condition: {error}",
                place,
                help="write a comparison, such as `steps.sft.loss > 5` or `exam.routing.exact < 0.8`",
            )
            continue
        if not paths:
            help_ = "compare a figure: `steps.STEP.loss`, or `STEP.SUITE.METRIC` of an evaluation"
            work.sink.report("TW7302", "the condition looks at nothing", span, help=help_)
        for path in paths:
            place = place_inside(span, text, text.index(path) + 1 if path in text else 1, len(path))
            _check_figure(work, path, place, said)


def _check_figure(work: Work, path: str, place: Span, said: set[str]) -> None:
    assert work.spec is not None
    first, step, _ = path.split(".")
    if first != LIVE:
        check_metric(work, path, place, said)
        return
    trains = [name for name, _ in work.spec.trains()]
    if step == "*" or step in trains or step in said or work.is_suspect("steps", step):
        return
    said.add(step)
    work.sink.report(
        "TW7303",
        f"`{step}` is no training step",
        place,
        help=suggestion(nearest(step, trains), f"training steps: {listed(trains) or 'none'}"),
    )


def _check_sinks(work: Work) -> None:
    assert work.facts is not None
    known, unverified = work.facts.sinks_known, []
    for index, alert in _alerts(work):
        for at, name in enumerate(alert.to):
            if work.is_poisoned("alerts", index, "to"):
                continue
            if known is None:
                unverified.append(name)
            elif name not in known:
                help_ = f"sinks there: {listed(sorted(known))}" if known else "its `alerts.yaml` names none"
                work.sink.report(
                    "TW7304",
                    f"the daemon has no sink `{name}`",
                    work.value_span("alerts", index, "to", at),
                    help=suggestion(nearest(name, sorted(known)), help_),
                )
    if unverified:
        names = listed(list(dict.fromkeys(unverified)))
        work.sink.report(
            "TW7305",
            f"nobody can tell here whether the daemon has {names}: no `alerts.yaml` lies in this home",
            work.key_span("alerts"),
            help="the daemon that runs it looks; `tunewright alerts sinks` lists what it has",
        )


def _check_gates(work: Work) -> None:
    assert work.spec is not None
    if any("gate_failed" in (alert.events or ()) for alert in work.spec.alerts) or work.is_suspect("alerts"):
        return
    for name, step in work.spec.steps.items():
        if step.gate is not None and step.gate.on_fail in ("alert", "stop_and_alert"):
            work.sink.report(
                "TW7306",
                f"nobody hears when `{name}` says no: no rule of `alerts` has `gate_failed`",
                work.value_span("steps", name, "gate", "on_fail"),
                help="add `alerts: [{events: gate_failed, to: NAME}]`, NAME being a sink of the daemon's",
            )


def _check_possible(work: Work) -> None:
    assert work.spec is not None
    for index, alert in _alerts(work):
        for at, event in enumerate(alert.events or ()):
            missing = _missing(work.spec, event)
            if missing:
                work.sink.report(
                    "TW7307",
                    f"`{event}` never happens here: {missing}",
                    work.value_span("alerts", index, "events", at),
                    help="take it out, or add what it tells of",
                )


def _missing(spec: Spec, event: str) -> str:
    if event == "gate_failed":
        tells = any(step.gate and step.gate.on_fail in ("alert", "stop_and_alert") for step in spec.steps.values())
        return "" if tells else "no gate has `on_fail: stop_and_alert` or `alert`"
    verb = _VERB_OF.get(event)
    there = verb is None or any(getattr(step, verb) is not None for step in spec.steps.values())
    return "" if there else f"there is no `{verb}` step"


RULES = (
    Rule(
        code="TW7301",
        phase=Phase.TEXT,
        check=_check_triggers,
        resolved=False,
        why="A rule with two causes leaves open whether both or either must hold; one with none would never tell.",
        bad='alerts: [{events: run_failed, when: "steps.sft.loss > 5", to: oncall}]',
        good='alerts: [{events: run_failed, to: oncall}, {when: "steps.sft.loss > 5", to: oncall}]',
    ),
    Rule(
        code="TW7302",
        phase=Phase.TEXT,
        check=_check_conditions,
        resolved=False,
        why="A condition that can't be read never becomes true, and silence looks like health.",
        bad='alerts: [{when: "steps.sft.loss too high", to: oncall}]',
        good='alerts: [{when: "steps.sft.loss > 5", to: oncall}]',
    ),
    Rule(
        code="TW7303",
        phase=Phase.TEXT,
        follows=("steps",),
        why="A figure of a step that does not train never comes: the condition would wait for ever.",
        bad='alerts: [{when: "steps.stf.loss > 5", to: oncall}]',
        good='alerts: [{when: "steps.sft.loss > 5", to: oncall}]',
    ),
    Rule(
        code="TW7304",
        phase=Phase.MACHINE,
        check=_check_sinks,
        resolved=False,
        why="An alert to a name that the daemon does not know reaches nobody.",
        bad="# the daemon's alerts.yaml names only `oncall`\nalerts: [{events: run_failed, to: oncal}]\n",
        good="# the daemon's alerts.yaml names `oncall`\nalerts: [{events: run_failed, to: oncall}]\n",
    ),
    Rule(
        code="TW7305",
        phase=Phase.MACHINE,
        why="Sinks are the daemon's: where it is another machine's, only that one knows whether a name is right.",
        bad="# no alerts.yaml in this home\nalerts: [{events: run_failed, to: oncall}]\n",
        good="# alerts.yaml of this home names `oncall`\nalerts: [{events: run_failed, to: oncall}]\n",
    ),
    Rule(
        code="TW7306",
        phase=Phase.TEXT,
        check=_check_gates,
        resolved=False,
        why="A gate that is to alert and whom nobody listens to is a false feeling of safety.",
        bad="steps: {good: {gate: {on_fail: stop_and_alert}}}",
        good="{steps: {good: {gate: {on_fail: stop_and_alert}}}, alerts: [{events: gate_failed, to: oncall}]}",
    ),
    Rule(
        code="TW7307",
        phase=Phase.TEXT,
        check=_check_possible,
        resolved=False,
        follows=("steps",),
        why="A rule for what can't happen gives a false feeling of safety.",
        bad="{steps: {good: {gate: {on_fail: stop}}}, alerts: [{events: gate_failed, to: oncall}]}",
        good="{steps: {good: {gate: {on_fail: alert}}}, alerts: [{events: gate_failed, to: oncall}]}",
    ),
)
