"""What the rows of a suite must have, by the metric that scores them."""

from typing import Any

from tunewright.compiler.collect.rows import Check, Row

MULTIPLE_CHOICE = "multiple_choice"
#: Metrics that look at the reply alone.
_WITHOUT_EXPECTED = frozenset({"json_schema", "regex", "judge"})


def suite_format(metric: str | None) -> str:
    """Return the name of the rows' shape: `multiple_choice`, or `suite` for prompt and expected reply."""
    return MULTIPLE_CHOICE if metric == MULTIPLE_CHOICE else "suite"


def suite_check(metric: str | None) -> Check:
    """Return the check of a suite's rows; it remembers the ids it has seen."""
    first_line: dict[Any, int] = {}

    def check(line: int, row: Row) -> str | None:
        problem = _choice_problem(row) if metric == MULTIPLE_CHOICE else _reply_problem(row, metric)
        return problem or _id_problem(line, row, first_line)

    return check


def _reply_problem(row: Row, metric: str | None) -> str | None:
    prompt = row.get("prompt")
    if prompt is None:
        return f"`prompt` is missing (columns here: {', '.join(sorted(map(str, row))) or 'none'})"
    if not isinstance(prompt, str | list) or not prompt:
        return "`prompt` must be text or a list of messages"
    if isinstance(prompt, list) and not all(isinstance(turn, dict) and "content" in turn for turn in prompt):
        return "`prompt` must be text or a list of messages with `role` and `content`"
    if row.get("expected") is None and metric not in _WITHOUT_EXPECTED:
        return "`expected` is missing"
    return None


def _choice_problem(row: Row) -> str | None:
    question, choices, answer = row.get("question"), row.get("choices"), row.get("answer")
    if not isinstance(question, str) or not question.strip():
        return "`question` must be text"
    if not isinstance(choices, list) or len(choices) < 2 or not all(isinstance(choice, str) for choice in choices):
        return "`choices` must be a list of at least two texts"
    if not isinstance(answer, int) or isinstance(answer, bool):
        return "`answer` must be the number of the right choice, counted from 0"
    if not 0 <= answer < len(choices):
        return f"`answer` is {answer}, but the choices are 0 to {len(choices) - 1}"
    return None


def _id_problem(line: int, row: Row, first_line: dict[Any, int]) -> str | None:
    identity = row.get("id")
    if identity is None:
        return None
    if not isinstance(identity, str | int):
        return "`id` must be text or a number"
    if (before := first_line.setdefault(identity, line)) != line:
        return f"`id` {str(identity)[:80]} was given to line {before} already"
    return None
