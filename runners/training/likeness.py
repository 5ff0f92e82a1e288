"""What the rows of a step have in common: trainers want the same columns in each."""

from typing import Any

from tunewright.runners.sdk import StepFailedError
from tunewright.runners.training.methods.method import Row
from tunewright.runners.training.placed import PlacedRow, place_of

#: Columns that only some rows have, and what stands for them in the others.
_OPTIONAL: dict[str, Any] = {"tools": None, "images": []}


class Likeness:
    """Notes the columns of rows, and fills in those that others have."""

    def __init__(self) -> None:
        self._seen: set[frozenset[tuple[str, bool]]] = set()
        self._missing: Row = {}

    def note(self, row: Row) -> None:
        """Take a row into account."""
        self._seen.add(frozenset((name, isinstance(value, str)) for name, value in row.items()))

    def settle(self) -> None:
        """Decide which columns all rows get; call it after the last `note`. Raises StepFailedError."""
        columns = {name for seen in self._seen for name, _ in seen}
        self._missing = {name: value for name, value in _OPTIONAL.items() if name in columns}
        filled = {(name, False) for name in self._missing}
        if len({seen | filled for seen in self._seen}) > 1:
            raise StepFailedError(
                "the data sets mix plain text with conversations, which one training step can't learn from together",
                reason="DATA_MIXED",
                help="train on them in two steps, one after the other (`from:`)",
            )

    def filled(self, row: Row) -> Row:
        """Return a row with all columns that others have."""
        return PlacedRow({**self._missing, **row}, place_of(row)) if self._missing else row
