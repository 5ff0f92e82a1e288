"""Families 4 and 5, models that do not write: what classifiers and embedding models are measured and packed with."""

from collections.abc import Iterator

from tunewright.compiler.facts.metrics import MEASURED_BY
from tunewright.compiler.passes.lower_evaluate import is_benchmark
from tunewright.compiler.passes.work import Work
from tunewright.compiler.rules.rule import Phase, Rule
from tunewright.spec.diagnostics import Label
from tunewright.spec.model.evaluate import Evaluate

#: Settings of replies: nothing is written.
_OF_REPLIES = ("max_new_tokens", "temperature", "system_prompt")
#: Settings of exports that are measured by how well they write.
_OF_WRITERS = ("quantize", "calibration", "limits")
_NEEDED = {metric: makes for makes, metrics in MEASURED_BY.items() for metric in metrics if metric != "accuracy"}


def _exams(work: Work) -> Iterator[tuple[str, Evaluate, str]]:
    """Yield name, step and what the model answers with."""
    assert work.spec is not None
    for name, step in work.spec.steps.items():
        # What a package's runner asks of a model, that package knows.
        ours = step.evaluate is not None and step.evaluate.runner is None
        if step.evaluate is not None and ours and not work.is_poisoned("steps", name, "evaluate"):
            yield name, step.evaluate, work.spec.answers_with(step.evaluate.model)


def _check_suites(work: Work) -> None:
    assert work.spec is not None
    for name, exam, makes in _exams(work):
        for index, suite in enumerate(exam.suites):
            declared = work.spec.suites.get(suite)
            if declared is not None and declared.metric is None and declared.benchmark is None:
                continue  # what it asks is not known
            metric = None if is_benchmark(declared, suite) or declared is None else declared.metric
            span = work.value_span("steps", name, "evaluate", "suites", index)
            if makes in MEASURED_BY and metric not in MEASURED_BY[makes]:
                can = " or ".join(f"`metric: {word}`" for word in MEASURED_BY[makes])
                problem, remedy = f"`{exam.model}` answers with a {makes}", f"measure it with a suite of {can}"
            elif makes == "text" and metric in _NEEDED:
                problem = f"`{exam.model}` answers with text, and `{metric}` compares {_NEEDED[metric]}s"
                remedy = "measure a step with `method: embed`"
            else:
                continue
            work.sink.report(
                "TW4012",
                f"suite `{suite}` can't measure this model",
                span,
                problem,
                labels=(Label(work.value_span("steps", name, "evaluate", "model"), ""),),
                help=remedy,
            )


def _check_settings(work: Work) -> None:
    for name, exam, makes in _exams(work):
        for key in _OF_REPLIES if makes in MEASURED_BY else ():
            if getattr(exam, key) is not None:
                work.sink.report(
                    "TW4013",
                    f"`{key}` means nothing to a model that answers with a {makes}",
                    work.key_span("steps", name, "evaluate", key),
                    labels=(Label(work.value_span("steps", name, "evaluate", "model"), ""),),
                    help=f"remove `{key}`",
                )


def _check_export(work: Work) -> None:
    assert work.spec is not None
    for name, step in work.spec.steps.items():
        if step.export is None or step.export.runner is not None or work.is_poisoned("steps", name, "export"):
            continue
        makes = work.spec.answers_with(step.export.model)
        for key in _OF_WRITERS if makes in MEASURED_BY else ():
            if getattr(step.export, key) is not None:
                work.sink.report(
                    "TW5010",
                    f"`{key}` is for models that write, and this one answers with a {makes}",
                    work.key_span("steps", name, "export", key),
                    labels=(Label(work.value_span("steps", name, "export", "model"), ""),),
                    help=f"remove `{key}`: such a model is merged, and held to its answers before",
                )


def _packed(keys: str = "") -> str:
    data = 'data: {desks: {source: "file:classes.jsonl"}}'
    steps = f"sort: {{train: {{method: classify, data: desks}}}}, box: {{export: {{model: sort{keys}}}}}"
    return f"{{{data}, steps: {{{steps}}}}}"


def _sorted(exam: str, *, metric: str = "accuracy") -> str:
    """Return an example: a classifier, and an exam of it."""
    data = 'data: {desks: {source: "file:classes.jsonl"}}'
    suites = f"suites: {{desk: {{file: quiz.jsonl, metric: {metric}}}}}"
    steps = f"sort: {{train: {{method: classify, data: desks}}}}, which: {{evaluate: {{model: sort, {exam}}}}}"
    return f"{{{data}, {suites}, steps: {{{steps}}}}}"


RULES = (
    Rule(
        code="TW4012",
        phase=Phase.TEXT,
        check=_check_suites,
        resolved=False,
        why="A model without a head that writes gives no reply, and one that writes gives no vectors to compare.",
        bad=_sorted("suites: desk", metric="exact"),
        good=_sorted("suites: desk"),
    ),
    Rule(
        code="TW4013",
        phase=Phase.TEXT,
        check=_check_settings,
        resolved=False,
        why="A setting of replies would be silently ignored where nothing is written.",
        bad=_sorted("suites: desk, max_new_tokens: 8"),
        good=_sorted("suites: desk, batch_size: 8"),
    ),
    Rule(
        code="TW5010",
        phase=Phase.TEXT,
        check=_check_export,
        resolved=False,
        why="Perplexity and calibration need a model that writes; quantised classifiers and embeddings are not built.",
        bad=_packed(", quantize: {method: bnb}"),
        good=_packed(),
    ),
)
