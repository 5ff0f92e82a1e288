"""Findings as the editor shows them, and their fixes."""

import pytest
from editing.marked import HEAD, SAMPLE, Desk, applied
from lsprotocol.types import DiagnosticSeverity, DiagnosticTag, Position, Range

from tunewright.client.lsp.code_actions import code_actions
from tunewright.client.lsp.diagnostics import diagnostics

EVERYWHERE = Range(Position(0, 0), Position(9999, 0))


def test_a_finding_has_code_place_message_and_help(desk: Desk) -> None:
    snapshot, _ = desk.snapshot(SAMPLE.replace("data: rows", "data: roows"), compile_it=True)
    found = next(item for item in diagnostics(snapshot) if item.code == "TW2001")

    assert (found.code, found.severity, found.source) == ("TW2001", DiagnosticSeverity.Error, "tunewright")
    assert found.range == Range(Position(10, 31), Position(10, 36))
    assert found.message.startswith("unknown data set `roows`")
    assert "help: did you mean `rows`?" in found.message


@pytest.mark.parametrize("prefix", ["", "\ufeff", "description: 🦜模\r\n", "# 🦜\r"])
def test_places_are_right_behind_anything(desk: Desk, prefix: str) -> None:
    text = prefix + SAMPLE.replace("data: rows", "data: '🦜oows'")
    snapshot, _ = desk.snapshot(text, compile_it=True)
    found = next(item for item in diagnostics(snapshot) if item.code in ("TW1006", "TW2001"))
    start, end = (snapshot.lines.offset(place) for place in (found.range.start, found.range.end))

    assert text[start:end] == "'🦜oows'"


def test_second_places_are_related(desk: Desk) -> None:
    snapshot, _ = desk.snapshot("name: a\n" + SAMPLE, compile_it=True)
    found = next(item for item in diagnostics(snapshot) if item.code == "TW0002")

    assert found.related_information is not None
    [related] = found.related_information
    assert (related.message, related.location.range.start) == ("first time", Position(0, 0))


def test_what_is_unused_is_faded(desk: Desk) -> None:
    spare = SAMPLE.replace("data:\n", 'data:\n  spare: {source: "file:rows.jsonl"}\n', 1)
    snapshot, _ = desk.snapshot(spare, compile_it=True)
    found = {item.code: item for item in diagnostics(snapshot)}

    assert found["TW2021"].tags == [DiagnosticTag.Unnecessary]
    assert found["TW2021"].severity == DiagnosticSeverity.Warning


def test_every_finding_can_be_seen(desk: Desk) -> None:
    for text in ("api_version: tunewright/v1", "", "a: [", HEAD, "name: x\n\t", SAMPLE + "steps: {"):
        snapshot, _ = desk.snapshot(text, compile_it=True)
        found = diagnostics(snapshot)
        assert found
        assert all(item.range.start != item.range.end for item in found) or not text


@pytest.mark.parametrize(
    ("mistake", "right"),
    [("data: roows", "data: rows"), ("method: sftt", "method: sft"), ("tunr: {type", "tuner: {type")],
)
def test_a_fix_mends_the_spec(desk: Desk, mistake: str, right: str) -> None:
    snapshot, _ = desk.snapshot(SAMPLE.replace(right, mistake), compile_it=True)
    [action] = code_actions(snapshot, EVERYWHERE)

    assert action.edit is not None
    assert action.edit.changes is not None
    assert applied(snapshot, list(action.edit.changes[snapshot.uri])) == SAMPLE
    assert action.title.startswith("change `")
    assert action.diagnostics is not None
    assert set(map(str, action.diagnostics)) <= set(map(str, diagnostics(snapshot)))


def test_fixes_are_offered_where_the_mistake_is(desk: Desk) -> None:
    snapshot, _ = desk.snapshot(SAMPLE.replace("data: rows", "data: roows"), compile_it=True)

    assert code_actions(snapshot, Range(Position(0, 0), Position(9, 0))) == []
    assert len(code_actions(snapshot, Range(Position(10, 33), Position(10, 33)))) == 1
