"""How one reply is scored, and what many scores become."""

import json
from pathlib import Path
from typing import Any

import pytest

from tunewright.runners.evaluation.results import Measure, mean_of, measure_rows, write_metrics
from tunewright.runners.evaluation.scores import score_reply
from tunewright.runners.evaluation.suites import Suite, read_suite

SCHEMA = {
    "type": "object",
    "properties": {"team": {"enum": ["billing", "network"]}},
    "required": ["team"],
    "additionalProperties": False,
}


def suite_of(tmp_path: Path, expected: Any, settings: dict[str, Any]) -> Suite:
    rows, schema = tmp_path / "suite.jsonl", tmp_path / "schema.json"
    rows.write_text(
        json.dumps({"id": "a", "prompt": "?"} | ({} if expected is None else {"expected": expected})) + "\n"
    )
    schema.write_text(json.dumps(SCHEMA))
    return read_suite("exam", rows, settings, schema if settings["metric"].startswith("json") else None)


@pytest.mark.parametrize(
    ("settings", "expected", "reply", "scores"),
    [
        ({"metric": "exact"}, "two words", " two\n words ", {"exact": 1}),
        ({"metric": "exact"}, "two words", "Two words", {"exact": 0}),
        ({"metric": "exact"}, {"a": 1, "b": [2]}, '{"b": [2.0], "a": 1}', {"exact": 1, "json_valid": 1}),
        ({"metric": "exact"}, {"a": 1}, '{"a": true}', {"exact": 0, "json_valid": 1}),
        ({"metric": "exact"}, {"a": 1}, 'Sure: {"a": 1}', {"exact": 0, "json_valid": 0}),
        ({"metric": "json_schema"}, None, '{"team": "billing"}', {"json_schema": 1, "json_valid": 1}),
        ({"metric": "json_schema"}, None, '{"team": "sales"}', {"json_schema": 0, "json_valid": 1}),
        ({"metric": "json_schema"}, None, "NaN", {"json_schema": 0, "json_valid": 0}),
        (
            {"metric": "json_match"},
            {"team": "billing", "urgent": False},
            '{"team": "billing", "urgent": 0}',
            {
                "json_match": 0,
                "json_valid": 1,
                "json_schema": 0,
                "field_accuracy": 0.5,
                "field_accuracy_team": 1,
                "field_accuracy_urgent": 0,
            },
        ),
        ({"metric": "regex", "pattern": r"#### (\d+)"}, "42", "so #### 7, no, #### 42", {"regex": 1}),
        ({"metric": "regex", "pattern": r"\d+"}, None, "no number", {"regex": 0}),
        ({"metric": "accuracy"}, "Yes", '\n "yes."\nbecause', {"accuracy": 1}),
        ({"metric": "accuracy"}, "Yes", "", {"accuracy": 0}),
    ],
)
def test_score(tmp_path: Path, settings: dict[str, Any], expected: Any, reply: str, scores: dict[str, float]) -> None:
    suite = suite_of(tmp_path, expected, settings)
    assert score_reply(suite, suite.questions[0], reply) == scores


def test_a_reference_outside_the_schema_is_never_fetched(tmp_path: Path) -> None:
    from referencing.exceptions import Unresolvable

    suite = suite_of(tmp_path, None, {"metric": "json_schema"})
    (tmp_path / "schema.json").write_text(json.dumps({"$ref": "http://127.0.0.1:9/schema.json"}))
    remote = read_suite("exam", suite.path, {"metric": "json_schema"}, tmp_path / "schema.json")
    with pytest.raises(Exception) as caught:
        score_reply(remote, remote.questions[0], "{}")
    assert isinstance(caught.value.__cause__ or caught.value, Unresolvable)


def test_the_mean_has_the_error_of_the_mean() -> None:
    measure = mean_of([1, 1, 1, 0])
    assert (measure.value, measure.rows) == (0.75, 4)
    assert measure.error == pytest.approx(0.25)
    assert mean_of([1.0]).error is None


def test_a_score_is_averaged_over_the_rows_that_have_it() -> None:
    measures = measure_rows([{"exact": 1, "field_accuracy_a": 1}, {"exact": 0}])
    assert measures["exact"].value == 0.5
    assert measures["field_accuracy_a"] == Measure(value=1, rows=1)


def test_metrics_are_rounded_and_sorted(tmp_path: Path) -> None:
    write_metrics(tmp_path, {"b": {"exact": Measure(value=1 / 3, rows=3, error=0.1)}, "a": {}}, {"a": 1, "b": 3})
    text = (tmp_path / "metrics.json").read_text()
    assert json.loads(text) == {"a": {"rows": 1}, "b": {"exact": 0.333333, "exact_stderr": 0.1, "rows": 3}}
    assert text.index('"a"') < text.index('"b"')
