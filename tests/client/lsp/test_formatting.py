"""Formatting takes blanks away and nothing else."""

import pytest
from editing.marked import SAMPLE, Desk, applied
from hypothesis import given
from hypothesis import strategies as st
from lsprotocol import types

from tunewright.client.lsp.formatting import formatting
from tunewright.client.lsp.snapshot import Snapshot
from tunewright.spec.diagnostics import DiagnosticSink
from tunewright.spec.source import SourceFile
from tunewright.spec.syntax import parse, plain_value


def formatted(text: str) -> str:
    snapshot = Snapshot(uri="file:///life.yaml", text=text)
    return applied(snapshot, formatting(snapshot))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a: 1  \nb: 2", "a: 1\nb: 2\n"),
        ("a: 1 # why \t\n\n\n", "a: 1 # why\n"),
        ("a: 1\t\r\n  \r\nb: 2\r\n\r\n", "a: 1\r\n\r\nb: 2\r\n"),
        ("\ufeffa: 1 \n", "\ufeffa: 1\n"),
        ("a: |\n  text  \n  more\nb: 1  \n", "a: |\n  text  \n  more\nb: 1\n"),
        ("a: |+\n  text\n\n\n", "a: |+\n  text\n\n\n"),
        ("🦜: 模 \n", "🦜: 模\n"),
        (SAMPLE, SAMPLE),
    ],
)
def test_formats(before: str, after: str) -> None:
    assert formatted(before) == after


@pytest.mark.parametrize("text", ["a: {", "", "  ", "- a ", "a: 1 \na: 2\n\tb"])
def test_leaves_alone_what_is_no_spec(text: str) -> None:
    assert formatted(text) == text


LINE = st.sampled_from(
    ["a: 1 ", "b: |", "  text  ", "", "  ", "c: >-", "# note \t", 'd: "x', '  y "', "e: [1, ", " 2]", "f: 'z  "]
)


@given(st.lists(LINE, max_size=8), st.sampled_from(["\n", "\r\n"]))
def test_keeps_the_meaning_and_is_idempotent(lines: list[str], end: str) -> None:
    text = end.join(lines)
    once = formatted(text)
    before, after = (parse(SourceFile("", item), DiagnosticSink()) for item in (text, once))

    assert (before is None) == (after is None)
    if before is not None and after is not None:
        assert plain_value(before) == plain_value(after)
    assert formatted(once) == once


def test_edits_lie_in_the_document(desk: Desk) -> None:
    snapshot, _ = desk.snapshot("name: x  ")

    assert formatting(snapshot) == [
        types.TextEdit(types.Range(types.Position(0, 7), types.Position(0, 9)), "\n"),
    ]
