"""Rows as tokens, cut to the longest length in the way that was asked for, with an account of what became of each.

The same path serves the step that makes tokens ahead and the training that makes its own.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tunewright.runners.chat import ChatTemplateError
from tunewright.runners.sdk import StepFailedError
from tunewright.runners.training.methods.method import Row
from tunewright.runners.training.placed import place_of
from tunewright.runners.training.replies import IGNORED
from tunewright.runners.training.settings import TrainSettings

#: Rows that an account names one by one; all are counted.
_NAMED = 100


@dataclass(slots=True)
class TokenCounts:
    """What became of rows: `lengths` counts them by the next power of two of their tokens, before any cut."""

    rows: int = 0
    tokens: int = 0
    learnt_tokens: int = 0
    cut: int = 0
    too_long: int = 0
    nothing_to_learn: int = 0
    longest: int = 0
    lengths: Counter[int] = field(default_factory=Counter)
    named: list[dict[str, str]] = field(default_factory=list)

    @property
    def seen(self) -> int:
        """Rows in all, those that were left out included."""
        return self.rows + self.too_long + self.nothing_to_learn

    @property
    def cut_share(self) -> float:
        """Share of all rows that lost tokens."""
        return self.cut / max(1, self.seen)

    def name(self, row: Row, why: str) -> None:
        """Note what became of a row, while there are few."""
        if len(self.named) < _NAMED:
            self.named.append({"row": place_of(row), "why": why})

    def figures(self) -> dict[str, float]:
        """Return the figures that an event tells."""
        return {
            "rows": self.rows,
            "tokens": self.tokens,
            "learnt_tokens": self.learnt_tokens,
            "longest_tokens": self.longest,
            "cut_rows": self.cut,
            "cut_share": round(self.cut_share, 6),
            "too_long_rows": self.too_long,
            "rows_with_nothing_to_learn": self.nothing_to_learn,
        }

    def as_report(self) -> dict[str, Any]:
        """Return all of it as JSON."""
        lengths = {str(length): self.lengths[length] for length in sorted(self.lengths)}
        return {**self.figures(), "rows_by_tokens_up_to": lengths, "named": self.named}


TokensOf = Callable[[Row, Any, TrainSettings], Row]


def tokenised(
    rows: Iterable[Row],
    tokens_of: TokensOf,
    tokenizer: Any,
    settings: TrainSettings,
    counts: TokenCounts,
) -> Iterator[Row]:
    """Yield `input_ids` and `labels` of each row that something is left of to learn; count into `counts`.

    Raises StepFailedError that names file:line of a row that the template refuses, or that is too long where that is an
    error.
    """
    for row in rows:
        encoded = _encoded(row, tokens_of, tokenizer, settings)
        length = len(encoded["input_ids"])
        counts.longest = max(counts.longest, length)
        counts.lengths[1 << max(0, length - 1).bit_length()] += 1
        if length > settings.max_length:
            if settings.truncation == "error":
                raise _too_long(row, length, settings)
            if settings.truncation == "drop":
                counts.too_long += 1
                counts.name(row, f"{length} tokens: left out")
                continue
            counts.cut += 1
            keep = (
                slice(None, settings.max_length) if settings.truncation == "end" else slice(-settings.max_length, None)
            )
            encoded = {key: values[keep] if isinstance(values, list) else values for key, values in encoded.items()}
        learnt = _learnt(encoded["labels"])
        if not learnt:
            counts.nothing_to_learn += 1
            counts.name(row, f"{length} tokens, and nothing to learn within {settings.max_length}: left out")
            continue
        if length > settings.max_length:
            counts.name(row, f"{length} tokens: cut at the {settings.truncation}")
        counts.rows += 1
        counts.tokens += len(encoded["input_ids"])
        counts.learnt_tokens += learnt
        yield encoded


def _learnt(labels: Any) -> int:
    """Count the labels that something is learnt from; a row that is learnt as a whole has one."""
    return sum(label != IGNORED for label in labels) if isinstance(labels, list) else 1


def _encoded(row: Row, tokens_of: TokensOf, tokenizer: Any, settings: TrainSettings) -> Row:
    try:
        return tokens_of(row, tokenizer, settings)
    except ChatTemplateError as error:
        raise StepFailedError(
            f"{place_of(row)}: the base model's chat template refuses this row: {error.__cause__ or error}",
            reason="DATA_INVALID",
            help="correct or remove the row: roles in an order that the template knows, no empty parts",
        ) from error
    except StepFailedError as error:
        raise StepFailedError(
            f"{place_of(row)}: {error}", reason=error.reason, help=error.help, code=error.code
        ) from error


def _too_long(row: Row, length: int, settings: TrainSettings) -> StepFailedError:
    return StepFailedError(
        f"{place_of(row)}: {length} tokens, and `max_length` is {settings.max_length}",
        reason="ROW_TOO_LONG",
        help="split the row, raise `max_length`, or choose another `truncation`",
    )
