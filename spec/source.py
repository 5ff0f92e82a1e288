"""Source text and places in it: offsets count code points; lines and columns follow, UTF-16 columns for editors."""

from bisect import bisect_right
from dataclasses import dataclass, field
from itertools import accumulate

from tunewright.spec.record import record


@dataclass(frozen=True, eq=False)
class SourceFile:
    """A named text. `name` is what diagnostics show: the path as the user gave it, or `--set 1`."""

    name: str
    text: str
    _line_starts: tuple[int, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        lengths = (len(line) + 1 for line in self.text.split("\n"))
        object.__setattr__(self, "_line_starts", (0, *accumulate(lengths))[:-1])

    def position(self, offset: int) -> "Position":
        """Return the 1-based line and column of an offset; offsets beyond the end mean the end."""
        offset = max(0, min(offset, len(self.text)))
        line = bisect_right(self._line_starts, offset)
        return Position(line, offset - self._line_starts[line - 1] + 1)

    def line_text(self, line: int) -> str:
        """Return a line (1-based) without its line end."""
        start = self._line_starts[line - 1]
        end = self._line_starts[line] - 1 if line < len(self._line_starts) else len(self.text)
        return self.text[start:end].rstrip("\r")

    @property
    def line_count(self) -> int:
        """Number of lines; an empty file has one."""
        return len(self._line_starts)


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """Line and column, both 1-based, the column in code points."""

    line: int
    column: int


@record
class Span:
    """A piece of a source: offsets `start` (inclusive) to `end` (exclusive)."""

    source: SourceFile
    start: int
    end: int

    @property
    def begin(self) -> Position:
        """Where the span begins."""
        return self.source.position(self.start)

    @property
    def finish(self) -> Position:
        """Where the span ends (exclusive)."""
        return self.source.position(self.end)

    @property
    def text(self) -> str:
        """The text that the span covers."""
        return self.source.text[self.start : self.end]

    def lies_in(self, first: "Span", last: "Span") -> bool:
        """True when this span begins between the begin of one span and the end of another of the same text."""
        return self.source is first.source and first.start <= self.start < max(last.end, first.end)

    def utf16_column(self, position: Position) -> int:
        """Return the 0-based column in UTF-16 code units, as language servers count."""
        prefix = self.source.line_text(position.line)[: position.column - 1]
        return len(prefix.encode("utf-16-le")) // 2
