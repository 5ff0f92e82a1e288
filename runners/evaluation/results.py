"""What an evaluation leaves: measures with standard errors, metrics.json, samples.jsonl. Same replies, same bytes."""

import json
import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunewright.runners.evaluation.suites import Suite
from tunewright.runners.sdk import Reporter

METRICS_FILE, SAMPLES_FILE = "metrics.json", "samples.jsonl"

_DIGITS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """A metric of a suite: its value, its standard error (None where it can't be known) and over how many rows."""

    value: float
    rows: int
    error: float | None = None


def mean_of(scores: Sequence[float]) -> Measure:
    """Return the mean of row scores with the standard error of the mean (sample deviation over the root of n)."""
    error = statistics.stdev(scores) / math.sqrt(len(scores)) if len(scores) > 1 else None
    return Measure(value=statistics.fmean(scores), error=error, rows=len(scores))


def measure_rows(rows: Sequence[Mapping[str, float]]) -> dict[str, Measure]:
    """Return the mean of every score that appears, over the rows that have it."""
    names = sorted({name for row in rows for name in row})
    return {name: mean_of([row[name] for row in rows if name in row]) for name in names}


def report_measures(report: Reporter, suite: str, measures: Mapping[str, Measure]) -> None:
    """Emit one `evaluation` event a metric."""
    for name, measure in sorted(measures.items()):
        error = {} if measure.error is None else {"error": _rounded(measure.error)}
        report.emit("evaluation", suite=suite, metric=name, value=_rounded(measure.value), rows=measure.rows, **error)


def text_samples(suite: Suite, replies: Sequence[str], scores: Sequence[Mapping[str, float]]) -> list[dict[str, Any]]:
    """Return what samples.jsonl says of each question of a suite whose answers are texts."""
    return [
        {
            "suite": suite.name,
            "id": question.id,
            "prompt": question.prompt,
            "reply": reply,
            "expected": question.expected,
            "scores": dict(own),
        }
        for question, reply, own in zip(suite.questions, replies, scores, strict=True)
    ]


def write_metrics(outputs: Path, suites: Mapping[str, Mapping[str, Measure]], rows: Mapping[str, int]) -> None:
    """Write metrics.json: {suite: {metric: value, metric_stderr: error, rows: n}}."""
    document: dict[str, dict[str, float | int]] = {}
    for suite, measures in suites.items():
        numbers: dict[str, float | int] = {"rows": rows[suite]}
        for name, measure in measures.items():
            numbers[name] = _rounded(measure.value)
            if measure.error is not None:
                numbers[f"{name}_stderr"] = _rounded(measure.error)
        document[suite] = numbers
    text = json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True)
    (outputs / METRICS_FILE).write_text(text + "\n", encoding="utf-8")


def write_samples(outputs: Path, samples: Iterable[Mapping[str, Any]]) -> None:
    """Write samples.jsonl: one object a row with its suite, id, prompt, reply, expected and scores."""
    with (outputs / SAMPLES_FILE).open("w", encoding="utf-8") as stream:
        for sample in samples:
            stream.write(json.dumps(sample, ensure_ascii=False, sort_keys=True) + "\n")


def _rounded(value: float) -> float:
    return round(float(value), _DIGITS)
