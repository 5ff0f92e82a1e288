"""Whatever stands in the document and wherever the cursor is: every request has an answer, and it lies in the text."""

from pathlib import Path
from typing import Any

import pytest
from editing.marked import SAMPLE
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lsprotocol.types import Position, Range

from tunewright.client.lsp.code_actions import code_actions
from tunewright.client.lsp.code_lens import code_lenses, show_plan
from tunewright.client.lsp.completion import completion
from tunewright.client.lsp.context import context_at
from tunewright.client.lsp.definition import definition
from tunewright.client.lsp.diagnostics import diagnostics
from tunewright.client.lsp.folding import folding
from tunewright.client.lsp.formatting import formatting
from tunewright.client.lsp.hover import hover
from tunewright.client.lsp.inlay_hints import inlay_hints
from tunewright.client.lsp.references import references
from tunewright.client.lsp.rename import RenameError, prepare_rename, rename
from tunewright.client.lsp.settings import Settings, settings_from
from tunewright.client.lsp.snapshot import Snapshot
from tunewright.client.lsp.symbols import symbols

EVERYWHERE = Range(Position(0, 0), Position(9999, 0))
STRUCTURE = ["\n", "\r\n", "  ", "- ", ": ", "{", "}", "[", "]", ",", '"', "'", "#", "|\n", "&a ", "*a", "!!x ", "---"]
LETTERS = ["🦜", "模", "\t", "\ufeff", "\u2028", "\x00", "\ud83d"]
WORDS = ["steps", "train", "data: ", "exam.quiz.", "rows", "${env:X}"]
PIECES = st.sampled_from([*STRUCTURE, *LETTERS, *WORDS])


@st.composite
def edited(draw: st.DrawFn) -> tuple[str, str]:
    """Draw a sample after some edits, and the text before the last of them."""
    before = text = draw(st.one_of(st.just(SAMPLE), st.text(max_size=30)))
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.sampled_from([0, 0, 1, 9, 60])))
        before, text = text, text[:start] + "".join(draw(st.lists(PIECES, max_size=4))) + text[end:]
    return before, text


def ask_everything(snapshot: Snapshot, place: Position) -> list[Any]:
    """Return the answers to every request at a place."""
    answers: list[Any] = [
        completion(snapshot, place).items,
        definition(snapshot, place),
        references(snapshot, place, True),
        [hover(snapshot, place)],
        [prepare_rename(snapshot, place)],
        symbols(snapshot),
        formatting(snapshot),
        diagnostics(snapshot),
        code_actions(snapshot, EVERYWHERE),
        code_lenses(snapshot),
        inlay_hints(snapshot, EVERYWHERE),
    ]
    folding(snapshot)
    show_plan(snapshot, "sft")
    try:
        answers.append([rename(snapshot, place, "other")])
    except RenameError:
        answers.append([])
    return [item for answer in answers for item in answer if item is not None]


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(edited(), st.data())
def test_every_request_is_answered(texts: tuple[str, str], data: st.DataObject) -> None:
    before, text = texts
    first = Snapshot(uri="file:///nowhere/life.yaml", text=before).compiled(variables={})
    place = Position(data.draw(st.integers(0, text.count("\n") + 2)), data.draw(st.integers(0, 60)))
    later = first.with_text(text, 2)
    last_line = later.lines.line_count - 1

    for snapshot in (later, later.compiled(variables={})):
        for answer in ask_everything(snapshot, place):
            where = getattr(answer, "range", None)
            assert where is None or (where.start <= where.end and where.end.line <= last_line)


@given(st.text(alphabet="a:- {}[],'\"#|\n&!\t", max_size=60), st.integers(0, 60))
def test_a_context_lies_before_the_cursor(text: str, offset: int) -> None:
    offset = min(offset, len(text))
    found = context_at(text, offset)

    assert found is None or (0 <= found.start <= offset and text[found.start : offset] == found.prefix)


@pytest.mark.parametrize(
    "text",
    [
        *(piece * 50_000 for piece in ("x", " ", "{", "- ", "'", "&a ", "# c\n", '{"', "a ", "|", "{a: ")),
        "a: " + "[" * 20_000,
        "a: b\n" * 30_000,
        "a " * 99_000 + ":",
        "steps:\n" + "  x\n" * 9_000,
    ],
    ids=lambda text: text[:12].strip(),
)
@pytest.mark.timeout(20)
def test_long_lines_and_deep_nesting_are_answered_in_time(text: str) -> None:
    snapshot = Snapshot(uri="file:///nowhere/life.yaml", text=text)

    ask_everything(snapshot, snapshot.lines.position(len(text)))


@pytest.mark.parametrize(
    ("uri", "text", "expected"),
    [
        ("file:///a/life.yaml", "", True),
        ("file:///a/prod.tunewright.yml", "", True),
        ("file:///a/my.life.yaml", "", True),
        ("file:///a%20b/other.yaml", "# hi\napi_version: tunewright/v1\n", True),
        ("untitled:Untitled-1", "api_version: 'tunewright/v1'", True),
        ("file:///a/docker-compose.yaml", "services: {}", False),
        ("file:///a/other.yaml", "apiVersion: v1", False),
        ("", "", False),
        ("file://[broken", "", False),
    ],
)
def test_only_specs_are_looked_at(uri: str, text: str, expected: bool) -> None:
    assert Snapshot(uri=uri, text=text).is_spec is expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, Settings()),
        ({"inlayHints": True}, Settings(inlay_hints=True)),
        ({"tunewright": {"codeLens": False}}, Settings(code_lens=False)),
        ({"inlayHints": "yes", "other": 1}, Settings()),
        ([1], Settings()),
    ],
)
def test_settings_that_can_not_be_read_keep_their_defaults(value: Any, expected: Settings) -> None:
    assert settings_from(value) == expected


def test_path_is_decoded() -> None:
    assert Snapshot(uri=Path("/a b/ü🦜/life.yaml").as_uri(), text="").path == Path("/a b/ü🦜/life.yaml")
