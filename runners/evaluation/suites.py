"""Suites: files of questions with expected answers, checked row by row before a model is loaded."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunewright.runners.sdk import StepFailedError
from tunewright.spec.formats import DataError, read_rows, row_problem
from tunewright.spec.plug_ins import is_plug_in

METRICS = ("exact", "json_schema", "json_match", "multiple_choice", "regex", "accuracy", "retrieval", "bleu", "rouge")

#: Metrics of free text: expected must be text, and one score belongs to the whole suite.
TEXT_METRICS = ("bleu", "rouge")

Prompt = str | tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One row: a prompt with what is expected as reply, or with choices of which `answer` is right."""

    id: str
    line: int
    prompt: Prompt
    expected: Any = None
    choices: tuple[str, ...] = ()
    answer: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """A named list of questions and how replies are scored."""

    name: str
    path: Path
    metric: str
    questions: tuple[Question, ...]
    schema: Any = None
    pattern: re.Pattern[str] | None = None
    tokenize: str | None = None

    @property
    def by_likelihood(self) -> bool:
        """Whether choices are weighed rather than replies written."""
        return bool(self.questions[0].choices)

    def at(self, question: Question) -> str:
        """Return `file:line` of a question."""
        return f"{self.path}:{question.line}"


def read_suite(name: str, path: Path, settings: Mapping[str, Any], schema: Path | None) -> Suite:
    """Read and check one suite; raise StepFailedError that names file:line of the first bad row."""
    metric = settings.get("metric", "exact")
    if metric not in METRICS and not is_plug_in(metric):
        raise _bad(f"suite `{name}` asks for metric `{metric}`", f"use one of {', '.join(METRICS)}")
    limit = settings.get("limit")
    questions: list[Question] = []
    try:
        for line, row in read_rows(path):
            if limit is not None and len(questions) >= limit:
                break
            questions.append(_question(row, line, metric, path))
    except DataError as error:
        raise _bad(
            f"{path}:{error.line or 1}: {error}", "correct the row; a suite is one JSON object a line"
        ) from error
    if not questions:
        raise _bad(f"{path}: suite `{name}` has no rows", "write at least one row")
    if len({bool(question.choices) for question in questions}) > 1:
        raise _bad(f"{path}: some rows have `choices` and some have not", "make two suites of them")
    return Suite(
        name=name,
        path=path,
        metric=metric,
        questions=tuple(questions),
        schema=_read_schema(name, metric, schema),
        pattern=_compile_pattern(name, metric, settings.get("pattern")),
        tokenize=settings.get("tokenize"),
    )


def _question(row: Mapping[str, Any], line: int, metric: str, path: Path) -> Question:
    problem = _choice_problem(row) if _has_choices(row, metric) else _reply_problem(row, metric)
    if problem:
        raise _bad(
            f"{path}:{line}: {problem}", "correct the row: {id, prompt, expected} or {id, question, choices, answer}"
        )
    identity = str(row.get("id", line))
    prompt = row["question"] if "question" in row else row["prompt"]
    prompt = prompt if isinstance(prompt, str) else tuple(prompt)
    if _has_choices(row, metric):
        return Question(id=identity, line=line, prompt=prompt, choices=tuple(row["choices"]), answer=row["answer"])
    return Question(id=identity, line=line, prompt=prompt, expected=row.get("expected"))


def _has_choices(row: Mapping[str, Any], metric: str) -> bool:
    return metric == "multiple_choice" or (metric == "accuracy" and "choices" in row)


def _choice_problem(row: Mapping[str, Any]) -> str | None:
    choices, answer = row.get("choices"), row.get("answer")
    if (problem := _prompt_problem(row)) is not None:
        return problem
    if not isinstance(choices, list) or len(choices) < 2 or not all(isinstance(item, str) and item for item in choices):
        return "`choices` must be a list of at least two texts"
    if not isinstance(answer, int) or isinstance(answer, bool) or not 0 <= answer < len(choices):
        return f"`answer` must be the index of the right choice, 0 to {len(choices) - 1}"
    return None


def _reply_problem(row: Mapping[str, Any], metric: str) -> str | None:
    if (problem := _prompt_problem(row)) is not None:
        return problem
    expected = row.get("expected")
    if expected is None:
        return None if metric in ("json_schema", "regex") else "`expected` is missing"
    if metric in TEXT_METRICS or metric in ("regex", "accuracy", "retrieval"):
        return None if isinstance(expected, str) and expected.strip() else "`expected` must be text"
    if metric == "json_match" and isinstance(expected, str):
        try:
            json.loads(expected)
        except ValueError:
            return "`expected` must be a JSON value, or text that holds one"
    return None


def _prompt_problem(row: Mapping[str, Any]) -> str | None:
    column = "question" if "question" in row else "prompt"
    if column not in row:
        return f"`prompt` is missing (columns here: {', '.join(sorted(row)) or 'none'})"
    return row_problem({"prompt": row[column], "completion": "-"}, "prompt_completion")


def _read_schema(name: str, metric: str, path: Path | None) -> Any:
    if path is None:
        if metric == "json_schema":
            raise _bad(
                f"suite `{name}` is scored by `json_schema` but names no schema", "set `json_schema: file` in the suite"
            )
        return None
    from jsonschema import SchemaError
    from jsonschema.validators import validator_for

    try:
        schema = json.loads(path.read_text(encoding="utf-8"))
        validator_for(schema).check_schema(schema)
    except ValueError as error:
        raise _bad(f"{path}: not JSON: {error}", "correct the schema file") from error
    except SchemaError as error:
        raise _bad(f"{path}: not a JSON Schema: {error.message}", "correct the schema file") from error
    return schema


def _compile_pattern(name: str, metric: str, pattern: str | None) -> re.Pattern[str] | None:
    if metric != "regex":
        return None
    if not pattern:
        raise _bad(f"suite `{name}` is scored by `regex` but has no pattern", "set `pattern` in the suite")
    try:
        return re.compile(pattern)
    except re.error as error:
        raise _bad(f"suite `{name}`: `{pattern}` is not a regular expression: {error}", "correct `pattern`") from error


def _bad(message: str, advice: str) -> StepFailedError:
    return StepFailedError(message, reason="SUITE_INVALID", help=advice)
