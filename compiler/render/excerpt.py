"""A line of source as a terminal shows it, and where in it a column comes to stand."""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from unicodedata import category, east_asian_width

from tunewright.compiler.render.plain import clean_line
from tunewright.spec.record import record

#: Cells of the terminal that an excerpt takes at most.
MOST_CELLS = 200
#: Characters before a mark that are kept when the line is too long to begin at its beginning.
_BEFORE = 60
_CUT = "…"


@record
class Excerpt:
    """A piece of a line: the text to show, the column (1-based, in code points) it begins at, and the cell at which
    each of its characters begins.
    """

    text: str
    first_column: int
    cells: Sequence[int]

    def cell(self, column: int) -> int:
        """Return the 0-based cell of a column; columns outside mean the nearest end."""
        return self.cells[max(0, min(column - self.first_column, len(self.cells) - 1))]


def excerpt(line: str, column: int) -> Excerpt:
    """Return what to show of a line so that a column can be seen: its beginning, or of a long line the part around."""
    start = 0
    if len(line) > MOST_CELLS and column > MOST_CELLS - _BEFORE:
        start = min(column - 1, len(line)) - _BEFORE
    prefix = _CUT if start else ""
    shown = [_as_shown(character) for character in line[start : start + MOST_CELLS]]
    cells = list(accumulate((width for _, width in shown), initial=len(prefix)))
    fitting = bisect_right(cells, MOST_CELLS) - 1
    whole = start + fitting >= len(line)
    text = prefix + "".join(text for text, _ in shown[:fitting]) + ("" if whole else _CUT)
    return Excerpt(text, start + 1, cells[: fitting + 1])


def _as_shown(character: str) -> tuple[str, int]:
    """Return a character's text on the screen and how many cells that takes."""
    if character == "\t":
        return " ", 1
    text = clean_line(character)
    if text != character:  # written out, such as `\x1b`
        return text, len(text)
    if category(character) in ("Mn", "Me", "Cf"):  # drawn over the one before, or not at all
        return text, 0
    return text, 2 if east_asian_width(character) in ("W", "F") else 1
