"""Calibration rows as token ids, and what a model makes of them: perplexity of the replies and its likeliest tokens."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunewright.runners.chat import ChatTemplateError, conversation_tokens
from tunewright.runners.sdk import StepFailedError
from tunewright.spec.columns import renamed
from tunewright.spec.formats import DataError, detect_format, normal_row, read_rows, row_problem


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationRow:
    """A conversation as ids; those from `reply_start` on are measured."""

    ids: tuple[int, ...]
    reply_start: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one model made of the rows: perplexity over the replies' tokens, and its likeliest token at each of them."""

    perplexity: float
    likeliest: tuple[int, ...]


def read_conversations(
    paths: Sequence[Path],
    form: str | None,
    limit: int | None,
    columns: Mapping[str, str] | None = None,
    replace: Mapping[str, str] | None = None,
    prompt_template: str | None = None,
) -> list[dict[str, Any]]:
    """Return the first rows of a data set in normal form; `form` None looks at the columns. No files, no rows.

    `columns`, `replace` and `prompt_template` are those of the data set. Raises StepFailedError that names file:line of
    a bad row.
    """
    rows: list[dict[str, Any]] = []
    for path in paths:
        try:
            for line, row in read_rows(path):
                if limit is not None and len(rows) >= limit:
                    return rows
                rows.append(_normal(renamed(row, columns, replace), form, prompt_template, f"{path}:{line}"))
        except DataError as error:
            raise _bad(f"{path}:{error.line or 1}: {error}") from error
    if paths and not rows:
        raise _bad(f"{paths[0]}: there are no rows")
    return rows


def _normal(row: dict[str, Any], form: str | None, prompt_template: str | None, where: str) -> dict[str, Any]:
    form = form or detect_format(row)
    problem = "its columns fit no known format" if form is None else row_problem(row, form)
    if form is None or problem:
        raise _bad(f"{where}: {problem}")
    return normal_row(row, form, prompt_template)


def tokenize(tokenizer: Any, conversations: Sequence[dict[str, Any]], max_length: int) -> list[CalibrationRow]:
    """Return the rows as ids, cut to `max_length`; rows of which no reply is left are dropped.

    Raises StepFailedError when nothing is left to measure or the chat template refuses a row.
    """
    rows = []
    for conversation in conversations:
        try:
            ids, start = _ids(tokenizer, conversation)
        except ChatTemplateError as error:
            raise _bad(str(error)) from error
        # The first token has nothing before it that could predict it.
        start = max(start, 1)
        if start < min(len(ids), max_length):
            rows.append(CalibrationRow(ids=tuple(ids[:max_length]), reply_start=start))
    if not rows:
        raise _bad(f"no reply begins within {max_length} tokens")
    return rows


def read_with(model: Any, rows: Sequence[CalibrationRow], on_row: Callable[[int], None]) -> Reading:
    """Let the model read the rows one by one; `on_row` hears how many are done."""
    import torch

    loss, likeliest = 0.0, []
    for number, row in enumerate(rows, start=1):
        replies = len(row.ids) - row.reply_start
        ids = torch.tensor([list(row.ids)], device=model.device)
        with torch.inference_mode():
            # Only the positions that predict the reply: the vocabulary is the widest tensor of all.
            logits = model(input_ids=ids, use_cache=False, logits_to_keep=replies + 1).logits[0, :-1].float()
            loss += float(torch.nn.functional.cross_entropy(logits, ids[0, row.reply_start :], reduction="sum"))
        likeliest.extend(logits.argmax(dim=-1).tolist())
        on_row(number)
    try:
        perplexity = math.exp(loss / len(likeliest))
    except OverflowError:
        perplexity = math.inf
    return Reading(perplexity=perplexity, likeliest=tuple(likeliest))


def agreement(before: Reading, after: Reading) -> float:
    """Return the share of positions where both models take the same token."""
    same = sum(one == other for one, other in zip(before.likeliest, after.likeliest, strict=True))
    return same / len(before.likeliest)


def _ids(tokenizer: Any, row: dict[str, Any]) -> tuple[list[int], int]:
    if "text" in row:
        return list(tokenizer(row["text"])["input_ids"]), 1
    if isinstance(row.get("prompt"), str):
        prompt = list(tokenizer(row["prompt"])["input_ids"])
        return [*prompt, *tokenizer(row["completion"], add_special_tokens=False)["input_ids"]], len(prompt)
    completion = row["chosen"] if "chosen" in row else row["completion"]
    return conversation_tokens(tokenizer, row["prompt"], completion)


def _bad(message: str) -> StepFailedError:
    return StepFailedError(message, reason="DATA_INVALID", help="correct the calibration data or name another set")
