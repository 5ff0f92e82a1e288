"""Rows become tokens and labels as TRL's SFT trainer makes them: both runners learn from the same sequences."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tunewright.runners.sdk import Reporter, StepFailedError
from tunewright.runners.training import tokens as row_tokens
from tunewright.runners.training.data import needs_chat_template
from tunewright.runners.training.methods.method import Row, training_method
from tunewright.runners.training.replies import IGNORED
from tunewright.runners.training.settings import TrainSettings


@dataclass(frozen=True, slots=True)
class Sample:
    """One sequence: its tokens, and for each what is learnt (IGNORED: nothing)."""

    tokens: list[int]
    labels: list[int]


def tokenised(rows: list[Row], tokenizer: Any, settings: TrainSettings, report: Reporter) -> list[Sample]:
    """Return the samples of all rows that have something to learn; raise StepFailedError when none has."""
    if needs_chat_template(rows[0]) and not tokenizer.chat_template:
        raise StepFailedError(
            "the data are conversations and the base model's tokenizer has no chat template",
            reason="CHAT_TEMPLATE_MISSING",
            help="use an instruction-tuned base model, or data of format `text`",
        )
    method = training_method(settings.method)
    encoded = (
        list(row_tokens.tokenised(rows, method.tokens, tokenizer, settings, row_tokens.TokenCounts()))
        if method.tokens is not None
        else method.encode(rows, tokenizer, settings)
    )
    samples = list(_samples(encoded, tokenizer, settings, report))
    if not samples:
        raise StepFailedError(
            f"no row is left to learn from: every prompt alone fills `max_length` {settings.max_length}",
            reason="ROWS_TOO_LONG",
            help="raise `max_length`, or shorten the rows",
        )
    if len(samples) < len(rows):
        report.emit(
            "warning",
            code="rows-dropped",
            message=f"{len(rows) - len(samples)} of {len(rows)} rows were left out: their prompt alone fills "
            f"`max_length` {settings.max_length}",
        )
    if cut := sum(len(sample.tokens) >= settings.max_length for sample in samples):
        report.emit(
            "warning",
            code="rows-cut",
            message=f"{cut} rows reach `max_length` {settings.max_length}; what is beyond was cut off",
        )
    return samples


def _samples(rows: Sequence[Row], tokenizer: Any, settings: TrainSettings, report: Reporter) -> Iterator[Sample]:
    for number, row in enumerate(rows):
        if number % 1000 == 0:
            report.check_cancelled()
        tokens, labels = _tokens(row, tokenizer, settings)
        sample = Sample(tokens[: settings.max_length], labels[: settings.max_length])
        if any(label != IGNORED for label in sample.labels):
            yield sample


def _tokens(row: Row, tokenizer: Any, settings: TrainSettings) -> tuple[list[int], list[int]]:
    """Return a row's tokens and labels."""
    if "input_ids" in row:
        return row["input_ids"], row["labels"]
    prompt, whole = _prompt_and_whole(row, tokenizer)
    read = _common(prompt, whole) if settings.loss_on != "all" else 0
    return whole, [IGNORED] * read + whole[read:]


def _prompt_and_whole(row: Row, tokenizer: Any) -> tuple[list[int], list[int]]:
    tools = row.get("tools")
    match row:
        case {"text": text}:
            return [], tokenizer(_ended(text, tokenizer))["input_ids"]
        case {"prompt": str(prompt), "completion": completion}:
            return tokenizer(prompt)["input_ids"], tokenizer(prompt + _ended(completion, tokenizer))["input_ids"]
        case {"prompt": prompt, "completion": completion}:
            asked = _templated(tokenizer, prompt, tools, add_generation_prompt=True)
            return asked, _templated(tokenizer, [*prompt, *completion], tools)
        case _:
            return [], _templated(tokenizer, row["messages"], tools)


def _ended(text: str, tokenizer: Any) -> str:
    return text if text.endswith(tokenizer.eos_token) else text + tokenizer.eos_token


def _templated(tokenizer: Any, messages: list[Row], tools: Any, **named: Any) -> list[int]:
    tokens: list[int] = tokenizer.apply_chat_template(messages, tools=tools, return_dict=True, **named)["input_ids"]
    return tokens


def _common(first: list[int], second: list[int]) -> int:
    """Return how many tokens two sequences begin with in common: a template may render a prompt alone differently."""
    for index, (one, other) in enumerate(zip(first, second, strict=False)):
        if one != other:
            return index
    return min(len(first), len(second))
