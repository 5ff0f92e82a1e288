"""The caret stands under what is meant, however wide the characters before it are and however long the line is."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewright.compiler.render.excerpt import MOST_CELLS, excerpt
from tunewright.compiler.render.full import render_full
from tunewright.compiler.render.plain import clean
from tunewright.spec.diagnostics import DiagnosticSink
from tunewright.spec.source import SourceFile, Span


def drawn(text: str, marked: str) -> tuple[str, str]:
    """Return the excerpt and the line with the mark for a finding about a piece of a text."""
    start = text.index(marked)
    sink = DiagnosticSink()
    sink.report("TW1003", "unknown key", Span(SourceFile("life.yaml", text), start, start + len(marked)))
    lines = clean(render_full(sink)).split("\n")
    at = next(number for number, line in enumerate(lines) if "^" in line)
    return lines[at - 1].split("| ", 1)[1], lines[at].split("| ", 1)[1]


@pytest.mark.parametrize(
    ("line", "before"),
    [
        ("abc: wrong", 5),
        ("名前: wrong", 6),
        ("ｆｕｌｌ: wrong", 10),
        ("한국어: wrong", 8),
        ("🦊🦊: wrong", 6),
        ("e\u0301te\u0301: wrong", 5),
        ("a\u200db: wrong", 4),
        ("\ta: wrong", 4),
        ("a\x1b[2J: wrong", 10),
        ("عربي: wrong", 6),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_caret_counts_cells_not_characters(line: str, before: int, end: str) -> None:
    _, mark = drawn(f"first: 1{end}{line}{end}last: 2{end}", "wrong")
    assert mark == " " * before + "^^^^^"


def test_wide_characters_are_marked_over_their_whole_width() -> None:
    text, mark = drawn("a: 東京\n", "東京")
    assert (text, mark) == ("a: 東京", "   ^^^^")


@pytest.mark.parametrize("at", [0, 139, 140, 150, 199, 200, 1000, 150_000, 199_990])
def test_long_line_is_shown_around_the_mark(at: int) -> None:
    text, mark = drawn("x" * at + "wrong" + "y" * (200_000 - at - 5), "wrong")
    found = re.fullmatch(r"( *)\^{5}", mark)
    assert found is not None
    begin = len(found.group(1))
    assert text[begin : begin + 5] == "wrong"
    assert len(text) <= MOST_CELLS + 2


@given(st.text(max_size=400).filter(lambda text: "\n" not in text), st.integers(1, 420))
def test_excerpt_always_holds_its_column(line: str, column: int) -> None:
    shown = excerpt(line, column)
    assert 0 <= shown.cell(column) <= MOST_CELLS + 1
    assert list(shown.cells) == sorted(shown.cells)
    assert "\n" not in clean(shown.text)
    assert shown.text == clean(shown.text)
