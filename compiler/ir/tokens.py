"""How long rows are in tokens of the base model's own tokenizer: a fact that only `plan` takes the time to find out."""

from tunewright.spec.record import record


@record(kw_only=True)
class TokenFacts:
    """Lengths of some rows of a data set, rendered with the model's chat template, in tokens.

    `lengths` pairs each length with how many of the rows looked at have it, shortest first; `rows` is how many the set
    has. `unknown` says in a few words why there are no lengths. `refused` has file:line and words of the first rows
    that the template refuses, of `refused_count`; without a place where the template itself is broken.
    """

    lengths: tuple[tuple[int, int], ...] = ()
    rows: int = 0
    unknown: str | None = None
    refused: tuple[tuple[str, str], ...] = ()
    refused_count: int = 0

    @property
    def looked_at(self) -> int:
        """How many rows were tokenized."""
        return sum(times for _, times in self.lengths)

    @property
    def mean(self) -> float:
        """Tokens of a row on average; 0 when nothing is known."""
        return sum(length * times for length, times in self.lengths) / (self.looked_at or 1)

    @property
    def longest(self) -> int:
        """Tokens of the longest row that was looked at; 0 when nothing is known."""
        return self.lengths[-1][0] if self.lengths else 0

    def percentile(self, share: float) -> int:
        """Return the length that `share` (0 to 1) of the rows do not exceed; 0 when nothing is known."""
        left = share * self.looked_at
        for length, times in self.lengths:
            left -= times
            if left <= 0:
                return length
        return self.longest

    def share_longer(self, limit: int) -> float:
        """Return which share of the rows has more tokens than `limit`."""
        return sum(times for length, times in self.lengths if length > limit) / (self.looked_at or 1)
