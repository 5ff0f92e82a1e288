"""Offsets, lines, columns."""

from hypothesis import given
from hypothesis import strategies as st

from tunewright.spec.source import SourceFile, Span


@given(st.text(), st.integers(0, 400))
def test_position_leads_back_to_the_offset(text: str, offset: int) -> None:
    source = SourceFile("text", text)
    offset = min(offset, len(text))
    position = source.position(offset)
    before = text.split("\n")[: position.line - 1]
    assert sum(len(line) + 1 for line in before) + position.column - 1 == offset


def test_columns_count_as_editors_do() -> None:
    source = SourceFile("text", "a: 1\n\U0001f600ü: x\n")
    span = Span(source, 9, 10)
    assert span.text == "x"
    assert (span.begin.line, span.begin.column) == (2, 5)
    assert span.utf16_column(span.begin) == 5


def test_line_without_its_end() -> None:
    source = SourceFile("text", "one\r\ntwo\n")
    assert [source.line_text(line) for line in range(1, source.line_count + 1)] == ["one", "two", ""]
