"""Take what belongs to people out of rows; tell how much of it there was, never what it was. Standard library only."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tunewright.runners.preparing.recognisers import find


@dataclass(slots=True)
class Scrubbed:
    """Counts of one data set: things by kind, things by column, rows that had any, rows in all."""

    kinds: Counter[str] = field(default_factory=Counter)
    columns: Counter[str] = field(default_factory=Counter)
    rows_touched: int = 0
    rows: int = 0

    def as_report(self) -> dict[str, Any]:
        """Return the counts as JSON; no value of a row is in them."""
        return {
            "rows": self.rows,
            "rows_touched": self.rows_touched,
            "found": dict(sorted(self.kinds.items())),
            "columns": dict(sorted(self.columns.items())),
        }


def scrub_row(row: dict[str, Any], kinds: tuple[str, ...], counts: Scrubbed) -> dict[str, Any]:
    """Return the row with `<KIND>` in place of each thing found in its texts, at any depth; count into `counts`."""
    before = counts.kinds.total()
    cleaned = {key: _scrub(value, key, kinds, counts) for key, value in row.items()}
    counts.rows += 1
    counts.rows_touched += counts.kinds.total() > before
    return cleaned


def scrub_text(text: str, kinds: tuple[str, ...]) -> tuple[str, Counter[str]]:
    """Return the text with `<KIND>` in place of each thing found, and how many there were of each kind."""
    places = find(text, kinds)
    parts, end = [], 0
    for place in places:
        parts += [text[end : place.start], f"<{place.kind.upper()}>"]
        end = place.end
    return "".join([*parts, text[end:]]), Counter(place.kind for place in places)


def _scrub(value: Any, column: str, kinds: tuple[str, ...], counts: Scrubbed) -> Any:
    match value:
        case str():
            text, found = scrub_text(value, kinds)
            counts.kinds.update(found)
            if found:
                counts.columns[column] += found.total()
            return text
        case list():
            return [_scrub(item, column, kinds, counts) for item in value]
        case dict():
            return {key: _scrub(item, column, kinds, counts) for key, item in value.items()}
        case _:
            return value
