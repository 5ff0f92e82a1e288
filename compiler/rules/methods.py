"""Family 3, methods: what their own settings may be, and what becomes of what they make."""

from collections.abc import Iterator

from tunewright.compiler.facts.metrics import MEASURED_BY
from tunewright.compiler.ir.resolved import ResolvedStep, ResolvedTrain
from tunewright.compiler.passes.work import Work
from tunewright.compiler.rules.rule import Phase, Rule
from tunewright.spec.diagnostics import Label
from tunewright.spec.methods import METHODS
from tunewright.spec.suggest import listed


def _trains(work: Work) -> tuple[tuple[ResolvedStep, ResolvedTrain], ...]:
    assert work.resolved is not None
    return work.resolved.trains()


def _check_values(work: Work) -> None:
    for step, train in _trains(work):
        method = METHODS[train.method]
        for key, words in method.words.items():
            if train.options[key] not in words:
                work.sink.report(
                    "TW3040",
                    f"{train.method} has no {key} `{train.options[key]}`",
                    work.value_span("steps", step.name, "train", key),
                    help=f"use {listed([f'`{word}`' for word in words], 20)}",
                )
        for key, (least, greatest) in method.ranges.items():
            value = train.options[key]
            assert isinstance(value, int | float)
            if not least <= value <= greatest:
                work.sink.report(
                    "TW3040",
                    f"{key} {value:g} is out of the range of {train.method}",
                    work.value_span("steps", step.name, "train", key),
                    help=f"use a value from {least:g} to {greatest:g}",
                )


def _check_smoothing(work: Work) -> None:
    for step, train in _trains(work):
        loss, smoothing, smoothed = (
            train.options.get("loss_type"),
            train.options.get("label_smoothing"),
            METHODS[train.method].smoothed,
        )
        if smoothing and loss not in smoothed:
            work.sink.report(
                "TW3044",
                f"the {loss} loss of {train.method} does not heed `label_smoothing`",
                work.key_span("steps", step.name, "train", "label_smoothing"),
                help=f"remove it, or use `loss_type: {smoothed[0]}`",
            )
        if loss == "robust" and loss in smoothed and smoothing == 0:
            work.sink.report(
                "TW3041",
                "the robust loss without `label_smoothing` is the sigmoid loss",
                work.value_span("steps", step.name, "train", "loss_type"),
                help="say which share of the pairs is the wrong way round: `label_smoothing: 0.1`",
            )


def _check_loss_on(work: Work) -> None:
    assert work.spec is not None
    assert work.facts is not None
    for step, train in _trains(work):
        written = work.spec.steps[step.name].train
        if written is None or written.loss_on in (None, "all"):
            continue
        for name in train.data:
            declared, facts = work.spec.data.get(name), work.facts.data.get(name)
            form = (declared.format if declared else None) or (facts.format if facts else None)
            if form == "text":
                work.sink.report(
                    "TW3042",
                    f"the rows of `{name}` are plain text, which no {train.loss_on} stands out of",
                    work.value_span("steps", step.name, "train", "loss_on"),
                    labels=(Label(work.key_span("data", name), "rows are `text`"),),
                    help="remove `loss_on`",
                )


def _model_uses(work: Work) -> Iterator[tuple[str, str, str, str]]:
    """Yield `(step, verb, key, model)` of every step that takes a model to speak."""
    assert work.spec is not None
    for name, step in work.spec.steps.items():
        if step.train is not None and step.train.from_ is not None:
            yield name, "train", "from", step.train.from_
        elif step.evaluate is not None:
            yield name, "evaluate", "model", step.evaluate.model
        elif step.export is not None:
            yield name, "export", "model", step.export.model
        elif step.deploy is not None:
            yield name, "deploy", "model", step.deploy.model


#: What can be done with a model that does not write, where no service is for it.
_ELSEWHERE = {
    "label": "an `export` step makes a folder of it that transformers' `text-classification` loads",
    "vector": "an `export` step makes a folder of it that sentence-transformers loads",
}
_WRITES = "name a step whose model writes text, or `base`"


def _check_scores(work: Work) -> None:
    assert work.spec is not None
    made = {step.name: train.method for step, train in _trains(work)}
    for name, verb, key, model in _model_uses(work):
        makes, learner = work.spec.answers_with(model), work.spec.learner_of(model)
        handled = verb in ("evaluate", "export") and makes in MEASURED_BY
        if learner is None or makes == "text" or handled or made.get(name) == made.get(learner):
            continue
        work.sink.report(
            "TW3043",
            f"`{model}` answers with a {makes}, not with text",
            work.value_span("steps", name, verb, key),
            labels=(Label(work.key_span("steps", learner), f"trained with {made.get(learner)}"),),
            help=_WRITES if verb == "train" else _ELSEWHERE.get(makes, _WRITES),
        )


RULES = (
    Rule(
        code="TW3040",
        phase=Phase.TEXT,
        check=_check_values,
        why="A word or number that belongs to another method fails after the weights are loaded, or means nothing.",
        bad="steps: {align: {train: {beta: 0}}}",
        good="steps: {align: {train: {beta: 0.1}}}",
    ),
    Rule(
        code="TW3041",
        phase=Phase.TEXT,
        check=_check_smoothing,
        why="Without a share of wrong pairs the robust loss is the ordinary one: wrong pairs are learnt in full.",
        bad="steps: {align: {train: {loss_type: robust}}}",
        good="steps: {align: {train: {loss_type: robust, label_smoothing: 0.1}}}",
    ),
    Rule(
        code="TW3044",
        phase=Phase.TEXT,
        why="A setting that the chosen loss does not read would be silently ignored.",
        bad="steps: {align: {train: {loss_type: ipo, label_smoothing: 0.1}}}",
        good="steps: {align: {train: {loss_type: robust, label_smoothing: 0.1}}}",
    ),
    Rule(
        code="TW3042",
        phase=Phase.DATA,
        check=_check_loss_on,
        why="Plain text has no turns: a loss on some of them would be a loss on nothing.",
        bad='{data: {plain: {source: "file:text.jsonl"}}, steps: {read: {train: {method: sft, data: plain, '
        "loss_on: replies}}}}",
        good="steps: {sft: {train: {loss_on: replies}}}",
    ),
    Rule(
        code="TW3043",
        phase=Phase.TEXT,
        check=_check_scores,
        why="A model that scores, classifies or embeds has no head that writes: it can't reply or be served.",
        bad="steps: {judge: {train: {method: reward, data: pairs}}, more: {evaluate: {model: judge, suites: quiz}}}",
        good="steps: {judge: {train: {method: reward, data: pairs}}}",
    ),
)
