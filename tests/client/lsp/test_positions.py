"""Places in a text as the protocol counts them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lsprotocol.types import Position, PositionEncodingKind

from tunewright.client.lsp.positions import LineIndex

UTF8, UTF16, UTF32 = (
    PositionEncodingKind.Utf8.value,
    PositionEncodingKind.Utf16.value,
    PositionEncodingKind.Utf32.value,
)


@pytest.mark.parametrize(
    ("text", "encoding", "place"),
    [
        ("name: x", UTF16, (0, 6)),
        ("🦜: x", UTF16, (0, 4)),
        ("🦜: x", UTF8, (0, 6)),
        ("🦜: x", UTF32, (0, 3)),
        ("模型: x", UTF16, (0, 4)),
        ("模型: x", UTF8, (0, 8)),
        ("a: 1\r\n🦜b: x", UTF16, (1, 5)),
        ("a: 1\rb: x", UTF16, (1, 3)),
        ("a: \u2028\u0085\x0c x", UTF16, (0, 7)),
        ("a:\tx", UTF16, (0, 3)),
        ("\ufeffa: x", UTF16, (0, 4)),
    ],
)
def test_counts_code_units_and_only_the_protocols_line_ends(text: str, encoding: str, place: tuple[int, int]) -> None:
    index = LineIndex(text, encoding)

    assert index.position(text.index("x")) == Position(*place)
    assert index.offset(Position(*place)) == text.index("x")


def test_places_outside_mean_the_nearest_inside() -> None:
    index = LineIndex("ab\r\ncd")

    assert index.offset(Position(0, 99)) == 2
    assert index.offset(Position(99, 0)) == 6
    assert index.position(99) == Position(1, 2)
    assert index.position(-1) == Position(0, 0)


@given(st.text(alphabet="a🦜模\r\n\u2028\t\ud83d", max_size=40), st.sampled_from([UTF8, UTF16, UTF32]))
def test_there_and_back(text: str, encoding: str) -> None:
    index = LineIndex(text, encoding)

    for offset in range(len(text) + 1):
        between = text[offset - 1 : offset + 1] == "\r\n" and offset > 0
        assert index.offset(index.position(offset)) == offset - between
