"""Offsets of a text to lines and columns as the protocol counts them, and back.

The protocol ends lines at LF, CRLF and CR and nowhere else; columns count code units of the encoding agreed on.
"""

import re
from bisect import bisect_right

from lsprotocol import types

_LINE_END = re.compile(r"\r\n|\n|\r")
_OUTSIDE_BASIC_PLANE = re.compile("[\U00010000-\U0010ffff]")


class LineIndex:
    """The lines of one text."""

    def __init__(self, text: str, encoding: str = types.PositionEncodingKind.Utf16.value) -> None:
        self._text = text
        self._encoding = encoding
        ends = [(match.start(), match.end()) for match in _LINE_END.finditer(text)]
        self._starts = [0, *(end for _, end in ends)]
        self._ends = [*(start for start, _ in ends), len(text)]

    @property
    def line_count(self) -> int:
        """Number of lines; an empty text has one."""
        return len(self._starts)

    def line(self, number: int) -> str:
        """Return a line (0-based) without its end."""
        return self._text[self._starts[number] : self._ends[number]]

    def bounds(self, number: int) -> tuple[int, int]:
        """Return the offsets between which a line (0-based) lies, its end not included."""
        return self._starts[number], self._ends[number]

    def line_at(self, offset: int) -> int:
        """Return the line (0-based) that an offset is in."""
        return bisect_right(self._starts, max(0, offset)) - 1

    def position(self, offset: int) -> types.Position:
        """Return the place of an offset; offsets outside the text mean its ends."""
        offset = max(0, min(offset, len(self._text)))
        line = self.line_at(offset)
        # Between CR and LF there is no place: it is the end of the line.
        before = self._text[self._starts[line] : min(offset, self._ends[line])]
        return types.Position(line=line, character=self._units(before))

    def range(self, start: int, end: int) -> types.Range:
        """Return the range between two offsets."""
        return types.Range(start=self.position(start), end=self.position(max(start, end)))

    def offset(self, position: types.Position) -> int:
        """Return the offset of a place; places outside the text mean the nearest inside."""
        if position.line >= self.line_count:
            return len(self._text)
        line = self.line(max(0, position.line))
        return self._starts[max(0, position.line)] + self._characters(line, position.character)

    def _units(self, text: str) -> int:
        if text.isascii() or self._encoding == types.PositionEncodingKind.Utf32:
            return len(text)
        if self._encoding == types.PositionEncodingKind.Utf8:
            return len(text.encode("utf-8", "surrogatepass"))
        return len(text) + len(_OUTSIDE_BASIC_PLANE.findall(text))

    def _characters(self, line: str, units: int) -> int:
        if line.isascii() or self._encoding == types.PositionEncodingKind.Utf32:
            return max(0, min(units, len(line)))
        seen = 0
        for index, character in enumerate(line):
            if seen >= units:
                return index
            seen += self._units(character)
        return len(line)
