"""Family 4: suites, metrics, gates."""

import re
from collections.abc import Iterator

from tunewright.compiler.expressions import ExpressionError, names_used
from tunewright.compiler.facts.benchmarks import BENCHMARKS
from tunewright.compiler.facts.metrics import METRICS
from tunewright.compiler.passes.work import Work
from tunewright.compiler.rules.rule import Phase, Rule
from tunewright.spec.diagnostics import Label
from tunewright.spec.source import Span
from tunewright.spec.suggest import listed, nearest, suggestion


def _requirements(work: Work) -> Iterator[tuple[str, Span]]:
    """Yield (text, span) of every requirement."""
    assert work.spec is not None
    for name, step in work.spec.steps.items():
        for index, text in enumerate(step.gate.require if step.gate else ()):
            path = ("steps", name, "gate", "require", index)
            if not work.is_poisoned(*path):
                yield text, work.value_span(*path)


def place_inside(span: Span, text: str, column: int, length: int) -> Span:
    """Return the place inside a written requirement; quoting may shift it, then the whole is meant."""
    start = span.text.find(text)
    if start < 0:
        return span
    begin = span.start + start + column - 1
    return Span(span.source, min(begin, span.end - 1), min(begin + length, span.end))


def _check_expressions(work: Work) -> None:
    for text, span in _requirements(work):
        try:
            paths = names_used(text)
        except ExpressionError as error:
            work.sink.report(
                "TW4001",
                f"not a requirement: {error}",
                place_inside(span, text, error.column, 1),
                help="write a comparison, such as `exam.routing.exact >= exam_base.routing.exact + 0.3`; a metric "
                "is `step.suite.metric`",
            )
            continue
        if not paths:
            work.sink.report(
                "TW4003", "the requirement measures nothing", span, help="compare a metric: `step.suite.metric`"
            )


def _metrics_of(work: Work, step: str, suite: str) -> tuple[str, ...] | None:
    """Return the metrics that a step reports for a suite; None when the suite is not part of it, or not known."""
    assert work.spec is not None
    evaluate = work.spec.steps[step].evaluate
    if evaluate is None or suite not in evaluate.suites:
        return None
    declared = work.spec.suites.get(suite)
    if declared is None or declared.benchmark:
        known = BENCHMARKS.get(declared.benchmark if declared and declared.benchmark else suite)
        return (*known.metrics, "rows") if known else None
    if declared.metric is None:
        return None
    # A package's metric is reported by the last part of its name.
    own = (last := declared.metric.rpartition(".")[2], f"{last}_stderr")
    return (*(METRICS[declared.metric].reports if declared.metric in METRICS else own), "rows")


def _check_metrics(work: Work) -> None:
    assert work.spec is not None
    said: set[str] = set()
    for text, span in _requirements(work):
        try:
            paths = names_used(text)
        except ExpressionError:
            continue
        for path in paths:
            place = place_inside(span, text, text.index(path) + 1 if path in text else 1, len(path))
            check_metric(work, path, place, said)


def check_metric(work: Work, path: str, span: Span, said: set[str]) -> None:
    """Look at one metric; `said` are the names that are no evaluation steps, each of which is one mistake."""
    assert work.spec is not None
    step, suite, metric = path.split(".")
    exams = [name for name, item in work.spec.steps.items() if item.evaluate is not None]
    if step == "*":
        return
    if step not in exams:
        if step in said or work.is_suspect("steps", step):
            return
        said.add(step)
        near = nearest(step, exams)
        work.sink.report(
            "TW4002",
            f"`{step}` is no evaluation step",
            span,
            help=suggestion(near, f"evaluation steps: {listed(exams) or 'none'}"),
        )
        return
    evaluate = work.spec.steps[step].evaluate
    assert evaluate is not None
    if suite == "*":
        return
    reported = _metrics_of(work, step, suite)
    if suite not in evaluate.suites:
        if work.is_faulty("steps", step, "evaluate", "suites"):
            return
        near = nearest(suite, evaluate.suites)
        work.sink.report(
            "TW4002",
            f"`{step}` does not measure `{suite}`",
            span,
            labels=(Label(work.key_span("steps", step), f"measures {listed(evaluate.suites)}"),),
            help=f"did you mean `{near}`?" if near else f"name one of: {listed(evaluate.suites)}",
        )
    elif reported is not None and metric != "*" and metric not in reported:
        near = nearest(metric, reported)
        work.sink.report(
            "TW4002",
            f"suite `{suite}` reports no `{metric}`",
            span,
            help=suggestion(near, f"it reports: {', '.join(reported)}"),
        )


_BOUND = re.compile(r"\s*([a-z_]\w*\.\w+\.(\w+))\s*(>=|>)\s*(\d+(?:\.\d+)?)\s*\Z")


def _check_reachable(work: Work) -> None:
    shares = {name for metric in METRICS.values() if metric.share for name in metric.reports} | {"accuracy"}
    for text, span in _requirements(work):
        match = _BOUND.match(text)
        if not match or match.group(2) not in shares:
            continue
        bound = float(match.group(4))
        if bound > 1 or (bound == 1 and match.group(3) == ">"):
            work.sink.report(
                "TW4004",
                f"`{match.group(1)}` is a share and never exceeds 1",
                span,
                help=f"did you mean `{bound / 100:g}`?" if 1 < bound <= 100 else "lower the bound",
            )


def _check_suites(work: Work) -> None:
    assert work.spec is not None
    for name, suite in work.spec.suites.items():
        if any(bad[:2] == ("suites", name) for bad in work.poisoned):
            continue
        span = work.key_span("suites", name)
        if suite.file and suite.benchmark:
            work.sink.report(
                "TW1013",
                f"suite `{name}` is both a file and a benchmark",
                work.key_span("suites", name, "benchmark"),
                help="keep one of them",
            )
        elif not suite.file and not suite.benchmark:
            work.sink.report(
                "TW4005",
                f"suite `{name}` has no questions",
                span,
                help="give it a `file` and a `metric`, or a `benchmark`",
            )
        elif suite.file and suite.metric is None:
            work.sink.report(
                "TW4005",
                f"suite `{name}` does not say how replies are scored",
                span,
                help=f"add `metric:` (one of {', '.join(METRICS)})",
            )
        if suite.benchmark and suite.benchmark not in BENCHMARKS:
            near = nearest(suite.benchmark, BENCHMARKS)
            work.sink.report(
                "TW4006",
                f"unknown benchmark `{suite.benchmark}`",
                work.value_span("suites", name, "benchmark"),
                help=suggestion(near, f"known: {', '.join(BENCHMARKS)}"),
            )


def _check_metric_settings(work: Work) -> None:
    assert work.spec is not None
    for name, suite in work.spec.suites.items():
        if suite.metric == "json_schema" and not suite.json_schema:
            work.sink.report(
                "TW4007",
                f"suite `{name}` names no schema",
                work.value_span("suites", name, "metric"),
                help="add `json_schema: path`",
            )
        if suite.metric == "regex" and not suite.pattern:
            work.sink.report(
                "TW4007",
                f"suite `{name}` names no pattern",
                work.value_span("suites", name, "metric"),
                help="add `pattern:`",
            )
        if suite.pattern is not None:
            try:
                re.compile(suite.pattern)
            except re.error as error:
                work.sink.report(
                    "TW4007",
                    f"not a regular expression: {error.msg}",
                    work.value_span("suites", name, "pattern"),
                    help=f"look at position {error.pos}",
                )
        for key, metrics in (("json_schema", ("json_schema", "json_match")), ("pattern", ("regex",))):
            if getattr(suite, key) is not None and suite.metric is not None and suite.metric not in metrics:
                work.sink.report(
                    "TW4009",
                    f"`{key}` means nothing to the metric `{suite.metric}`",
                    work.key_span("suites", name, key),
                    help=f"remove it, or use {' or '.join(f'`{metric}`' for metric in metrics)}",
                )


_MARGIN = re.compile(r"[+-]\s*(0?\.\d+)\s*\Z")


def _rows_measured(work: Work, path: str) -> int:
    """Return how many rows a metric is computed from, 0 when that is not known."""
    assert work.spec is not None
    assert work.facts is not None
    step, name, _ = path.split(".")
    exam = work.spec.steps[step].evaluate if step in work.spec.steps else None
    suite, facts = work.spec.suites.get(name), work.facts.suites.get(name)
    if exam is None or suite is None or facts is None:
        return 0
    return min([facts.rows, *(limit for limit in (suite.limit, exam.limit) if limit)])


def _check_resolution(work: Work) -> None:
    for text, span in _requirements(work):
        match = _MARGIN.search(text)
        if not match:
            continue
        try:
            paths = names_used(text)
        except ExpressionError:
            continue
        smallest = min((rows for path in paths if (rows := _rows_measured(work, path))), default=0)
        margin = float(match.group(1))
        if smallest and 0 < margin < 1 / smallest:
            work.sink.report(
                "TW4008",
                f"{smallest} rows can't show a difference of {margin:g}",
                span,
                f"one row is {1 / smallest:.3f}",
                help=f"use a margin of at least {1 / smallest:.2g}, or more rows",
            )


RULES = (
    Rule(
        code="TW4001",
        phase=Phase.TEXT,
        check=_check_expressions,
        resolved=False,
        why="A requirement that can't be read would be found when the training is done.",
        bad='steps: {good: {gate: {require: ["exam.quiz.exact >> 0.5"]}}}',
        good='steps: {good: {gate: {require: ["exam.quiz.exact >= 0.5"]}}}',
    ),
    Rule(
        code="TW4002",
        phase=Phase.TEXT,
        check=_check_metrics,
        resolved=False,
        why="A gate over a metric that nobody measures can't open; found now, not after hours.",
        bad='steps: {good: {gate: {require: ["exam.quiz.accuracyy >= 0.5"]}}}',
        good='steps: {good: {gate: {require: ["exam.quiz.exact >= 0.5"]}}}',
    ),
    Rule(
        code="TW4003",
        phase=Phase.TEXT,
        why="A gate that measures nothing is always open or always shut.",
        bad='steps: {good: {gate: {require: ["1 >= 0.5"]}}}',
        good='steps: {good: {gate: {require: ["exam.quiz.exact >= 0.5"]}}}',
    ),
    Rule(
        code="TW4004",
        phase=Phase.TEXT,
        check=_check_reachable,
        resolved=False,
        why="Shares go from 0 to 1: a bound in per cent never opens the gate.",
        bad='steps: {good: {gate: {require: ["exam.quiz.exact >= 82"]}}}',
        good='steps: {good: {gate: {require: ["exam.quiz.exact >= 0.82"]}}}',
    ),
    Rule(
        code="TW4005",
        phase=Phase.TEXT,
        check=_check_suites,
        resolved=False,
        why="A suite needs questions and a way to score the answers.",
        bad="suites: {quiz: {file: quiz.jsonl, metric: null}}",
        good="suites: {quiz: {file: quiz.jsonl, metric: exact}}",
    ),
    Rule(
        code="TW4006",
        phase=Phase.TEXT,
        why="A misspelt benchmark is elsewhere found after the model was loaded.",
        bad="{suites: {general: {benchmark: mlu}}, steps: {exam: {evaluate: {suites: [quiz, general]}}}}",
        good="{suites: {general: {benchmark: mmlu}}, steps: {exam: {evaluate: {suites: [quiz, general]}}}}",
    ),
    Rule(
        code="TW4007",
        phase=Phase.TEXT,
        check=_check_metric_settings,
        resolved=False,
        why="Some metrics need a schema or a pattern to measure against.",
        bad='{suites: {quiz: {metric: regex}}, steps: {good: {gate: {require: "exam.quiz.regex >= 0.5"}}}}',
        good='{suites: {quiz: {metric: regex, pattern: "^[A-D]$"}}, steps: {good: {gate: {require: '
        '"exam.quiz.regex >= 0.5"}}}}',
    ),
    Rule(
        code="TW4008",
        phase=Phase.DATA,
        check=_check_resolution,
        resolved=False,
        why="A difference smaller than one row is noise: the gate would decide by chance.",
        bad='{steps: {before: {evaluate: {model: base, suites: quiz}}, better: {gate: {require: "exam.quiz.exact '
        '>= before.quiz.exact + 0.001"}}}}',
        good='{steps: {before: {evaluate: {model: base, suites: quiz}}, better: {gate: {require: "exam.quiz.exact '
        '>= before.quiz.exact + 0.3"}}}}',
    ),
    Rule(
        code="TW4009",
        phase=Phase.TEXT,
        why="A setting of another metric would be silently ignored.",
        bad='suites: {quiz: {metric: exact, pattern: "^[A-D]$"}}',
        good="suites: {quiz: {metric: exact}}",
    ),
)
