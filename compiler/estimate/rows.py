"""How long the rows are: what the facts about data say about tokens, as a bound for memory and as a mean for time."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

from tunewright.compiler.ir.facts import DataFacts
from tunewright.compiler.ir.resolved import ResolvedTrain
from tunewright.compiler.ir.tokens import TokenFacts
from tunewright.spec.record import record

#: Characters in a token: few of them for a bound (Chinese, code), more for a mean.
_SHORTEST_TOKEN = 1.5
_MEAN_TOKEN = 3.5
#: Tokens that a chat template puts around the text of a row.
_TEMPLATE_TOKENS = 24


@record(kw_only=True)
class RowLengths:
    """Rows of a training set: how many, tokens of the longest and of an ordinary one; None where nothing is known."""

    rows: int | None = None
    longest_tokens: int | None = None
    mean_tokens: float | None = None

    @classmethod
    def of(cls, data: Iterable[DataFacts]) -> "RowLengths":
        """Return the lengths of all rows of several data sets together."""
        sets = [item for item in data if item.rows and not item.remote]
        if not sets:
            return cls()
        rows = sum(item.rows for item in sets)
        characters = sum(item.total_characters for item in sets)
        return cls(
            rows=rows,
            longest_tokens=math.ceil(max(item.longest_characters for item in sets) / _SHORTEST_TOKEN)
            + _TEMPLATE_TOKENS,
            mean_tokens=characters / rows / _MEAN_TOKEN + _TEMPLATE_TOKENS,
        )

    def counted(self, tokens: Sequence[TokenFacts]) -> "RowLengths":
        """Return the lengths with the mean that a tokenizer counted, where it did for every set.

        The bound stays: the longest row of a sample need not be the longest of all.
        """
        rows = sum(item.rows for item in tokens)
        if not rows or any(item.unknown or not item.lengths for item in tokens):
            return self
        return replace(self, mean_tokens=sum(item.mean * item.rows for item in tokens) / rows)

    def peak_tokens(self, train: ResolvedTrain) -> int:
        """Return the tokens of the largest micro-batch: rows are padded to the longest, packed sequences are full."""
        longest = train.max_length
        if self.longest_tokens is not None and not train.packing:
            longest = min(longest, self.longest_tokens + self.reply_tokens(train))
        return train.per_device_train_batch_size * longest

    def tokens_per_row(self, train: ResolvedTrain) -> float:
        """Return the tokens that an ordinary row costs, cut at the step's longest length."""
        mean = train.max_length / 2 if self.mean_tokens is None else self.mean_tokens
        return min(float(train.max_length), mean + self.reply_tokens(train))

    @staticmethod
    def reply_tokens(train: ResolvedTrain) -> int:
        """Return the longest reply that a step generates; 0 where the rows hold the replies."""
        longest = train.options.get("max_completion_length")
        return longest if isinstance(longest, int) else 0
