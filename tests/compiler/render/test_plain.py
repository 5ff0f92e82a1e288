"""Text from outside can't steer the terminal."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from tunewright.compiler.render.plain import clean, clean_but_colours, clean_line, shorten


@given(st.text())
def test_cleaned_text_has_no_control_characters(text: str) -> None:
    allowed = {"\n", "\t"}
    assert all(
        letter in allowed or unicodedata.category(letter) not in ("Cc", "Cs", "Zl", "Zp") for letter in clean(text)
    )
    assert all(unicodedata.category(letter) not in ("Cc", "Cs", "Zl", "Zp") for letter in clean_line(text))


@given(st.text(st.characters(exclude_categories=["Cc", "Cs", "Cf", "Zl", "Zp"])))
def test_plain_text_stays_as_it_is(text: str) -> None:
    assert clean(text) == clean_line(text) == clean_but_colours(text) == text


def test_what_is_taken_out_is_written_out() -> None:
    assert clean("a\x1b[2Jb\x07c\u202ed") == "a\\x1b[2Jb\\x07c\\u202ed"
    assert clean_line("a\nb\tc") == "a\\nb\\tc"


def test_only_colours_pass_where_colours_are_ours() -> None:
    assert (
        clean_but_colours("\x1b[1;31merror\x1b[0m \x1b]0;title\x07\x1b[2J")
        == "\x1b[1;31merror\x1b[0m \\x1b]0;title\\x07\\x1b[2J"
    )


@given(st.text(), st.integers(1, 40))
def test_shortened_text_fits(text: str, width: int) -> None:
    assert len(shorten(text, width)) <= width
