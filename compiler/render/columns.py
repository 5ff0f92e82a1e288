"""Rows as aligned columns."""

from collections.abc import Sequence


def aligned(rows: Sequence[Sequence[str]], *, indent: str = "  ", gap: str = "  ") -> list[str]:
    """Return rows with every column but the last padded to its widest cell; trailing blanks are cut."""
    columns = max((len(row) for row in rows), default=0)
    widths = [max((len(row[index]) for row in rows if index < len(row)), default=0) for index in range(columns)]
    return [(indent + gap.join(cell.ljust(widths[index]) for index, cell in enumerate(row))).rstrip() for row in rows]
