"""Score one reply against what its row expects: a number for each metric, 0 to 1, where higher is better."""

import json
import re
import string
from collections.abc import Mapping
from typing import Any

from tunewright.runners.evaluation.suites import Question, Suite
from tunewright.runners.plug_ins import failed, plug_in
from tunewright.spec.canonical import CanonicalError, canonical_json
from tunewright.spec.plug_ins import is_plug_in

Scores = Mapping[str, float]


class _NotJson:
    """What a reply that is not JSON is parsed to; equal to no JSON value."""


NOT_JSON = _NotJson()


def score_reply(suite: Suite, question: Question, reply: str) -> dict[str, float]:
    """Return the scores of one written reply by the suite's metric; metrics of whole suites give none here."""
    match suite.metric:
        case "exact" if isinstance(question.expected, str):
            return {"exact": float(squeezed(reply) == squeezed(question.expected))}
        case "exact" | "json_match":
            return _score_json(suite, question, reply)
        case "json_schema":
            return _score_schema(suite, question, reply)
        case "regex":
            return {"regex": float(_matches(suite.pattern, question.expected, reply))}
        case "accuracy":
            return {"accuracy": float(as_label(reply) == as_label(question.expected))}
        case name if is_plug_in(name):
            return _score_by_plug_in(suite, question, reply)
        case _:
            return {}


def _score_by_plug_in(suite: Suite, question: Question, reply: str) -> dict[str, float]:
    """A package's metric is `(reply, expected) -> number`, reported by the last part of its name."""
    score = plug_in("metric", suite.metric)
    try:
        return {suite.metric.rpartition(".")[2]: float(score(reply, question.expected))}
    except Exception as error:  # whatever the package raises
        raise failed("metric", suite.metric, suite.at(question), error) from error


def squeezed(text: str) -> str:
    """Return text with every run of white space as one space and none around it."""
    return " ".join(text.split())


def as_label(reply: str) -> str:
    """Return the label that a reply states: its first line that is not empty, without case, quotes and final marks."""
    lines = [line for line in reply.splitlines() if line.strip()]
    return squeezed(lines[0]).strip(string.punctuation + " ").casefold() if lines else ""


def parse_json(reply: str) -> Any:
    """Return the JSON value that a reply is, nothing around it, or NOT_JSON."""
    try:
        return json.loads(reply, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return NOT_JSON


def equal_json(left: Any, right: Any) -> bool:
    """Say whether two JSON values are the same: 1 and 1.0 are, 1 and true are not, the order of keys is nothing."""
    if left is NOT_JSON or right is NOT_JSON:
        return False
    try:
        return canonical_json(left) == canonical_json(right)
    except CanonicalError:
        return False


def _refuse_constant(word: str) -> None:
    raise ValueError(f"{word} is not JSON")


def _score_json(suite: Suite, question: Question, reply: str) -> dict[str, float]:
    value = parse_json(reply)
    expected = parse_json(question.expected) if isinstance(question.expected, str) else question.expected
    scores = {suite.metric: float(equal_json(value, expected)), "json_valid": float(value is not NOT_JSON)}
    if suite.schema is not None:
        scores["json_schema"] = float(is_valid(value, suite.schema))
    if suite.metric == "json_match" and isinstance(expected, dict) and expected:
        given = value if isinstance(value, dict) else {}
        right = {key: float(key in given and equal_json(given[key], wanted)) for key, wanted in expected.items()}
        scores["field_accuracy"] = sum(right.values()) / len(right)
        scores |= {f"field_accuracy_{key}": score for key, score in right.items()}
    return scores


def _score_schema(suite: Suite, question: Question, reply: str) -> dict[str, float]:
    value = parse_json(reply)
    scores = {"json_schema": float(is_valid(value, suite.schema)), "json_valid": float(value is not NOT_JSON)}
    if question.expected is not None:
        scores["exact"] = float(equal_json(value, question.expected))
    return scores


def is_valid(value: Any, schema: Any) -> bool:
    """Say whether a JSON value satisfies a schema; references outside the schema are never fetched."""
    from jsonschema.validators import validator_for
    from referencing import Registry
    from referencing.jsonschema import EMPTY_REGISTRY

    registry: Registry[Any] = EMPTY_REGISTRY
    return value is not NOT_JSON and bool(validator_for(schema)(schema, registry=registry).is_valid(value))


def _matches(pattern: re.Pattern[str] | None, expected: str | None, reply: str) -> bool:
    """The last match counts; its group, if any, is compared with `expected`. Without `expected` a match is enough."""
    assert pattern is not None  # noqa: S101 - read_suite compiled it
    found = list(pattern.finditer(reply))
    if not found:
        return False
    if expected is None:
        return True
    picked = found[-1].group(1) if pattern.groups else found[-1].group(0)
    return picked is not None and squeezed(picked) == squeezed(expected)
