"""Rows of data as questions with expected answers, and what they tell of the task."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tunewright.compiler.recommend.situation import FORMATS, RecommendationError
from tunewright.spec.formats import normal_row

Row = Mapping[str, Any]

#: Rows below which there is neither enough to learn from nor to measure with.
FEWEST_ROWS = 8
_FEWEST_QUESTIONS = 4
_MOST_QUESTIONS = 200
_LONGEST_LABEL = 40
_MOST_LABELS = 20


def questions_to_take(rows: int) -> int:
    """Return how many rows an exam takes away: a tenth, at least 4, at most 200."""
    if rows < FEWEST_ROWS:
        raise RecommendationError(
            f"{rows} rows are too few to learn from and to measure with", f"at least {FEWEST_ROWS} are needed"
        )
    return min(_MOST_QUESTIONS, max(_FEWEST_QUESTIONS, rows // 10))


def guess_task(rows: Sequence[Row], form: str) -> str:
    """Return the task that some rows of a format show."""
    for task in ("preference", "continue"):
        if form in FORMATS[task]:
            return task
    replies = [_reply(row, form) for row in rows]
    if replies and all(isinstance(_json(reply), dict) for reply in replies):
        return "json"
    labels = set(replies)
    few = len(labels) <= min(_MOST_LABELS, max(2, len(replies) // 3))
    if few and len(labels) > 1 and all(len(label) <= _LONGEST_LABEL and "\n" not in label for label in labels):
        return "classify"
    return "chat"


def questions(rows: Iterable[Row], form: str, task: str) -> list[dict[str, Any]]:
    """Return rows as those of a suite; raise RecommendationError where one can't be an exam question of the task."""
    found: list[dict[str, Any]] = []
    for row in rows:
        if form == "kto" and not row["label"]:
            continue  # what a bad reply looks like is no answer to expect
        number = len(found) + 1
        found.append({"id": f"held-out-{number}", **_question(row, form, task)})
    if not found:
        raise RecommendationError(
            "none of the last rows is marked good, so nothing can be expected of an answer", "shuffle the rows"
        )
    return found


def longest_reply(suite: Iterable[Row]) -> int:
    """Return the characters of the longest expected reply."""
    return max((len(_text(row["expected"])) for row in suite if "expected" in row), default=0)


def best_guess(suite: Iterable[Row]) -> float | None:
    """Return the share of right answers that the most frequent label gets."""
    counts = Counter(_text(row["expected"]).strip().casefold() for row in suite if "expected" in row)
    return max(counts.values()) / counts.total() if counts else None


def _question(row: Row, form: str, task: str) -> dict[str, Any]:
    normal = normal_row(row, form)
    if form == "text":
        # The first half is given, the second is what a reader of such texts would write.
        text = str(normal["text"])
        half = text.rfind(" ", 0, len(text) // 2 + 1)
        cut = half if half > 0 else len(text) // 2
        return {"prompt": text[:cut] or text, "expected": text[cut:].strip() or text}
    expected: Any = _reply(row, form)
    if task == "json":
        expected = _json(expected)
        if not isinstance(expected, dict):
            raise RecommendationError(
                "the replies of the last rows are not all JSON objects", "use --task chat, or mend the rows"
            )
    return {"prompt": normal["prompt"], "expected": expected}


def _reply(row: Row, form: str) -> str:
    normal = normal_row(row, form)
    turns = normal["chosen"] if form == "preference" else normal["completion"]
    return str(turns[-1].get("content") or "")


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _text(expected: Any) -> str:
    return expected if isinstance(expected, str) else json.dumps(expected, ensure_ascii=False)
