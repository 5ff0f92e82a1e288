"""Where names lead, and what happens when they change."""

import pytest
from editing.marked import SAMPLE, Desk, applied

from tunewright.client.lsp.definition import definition
from tunewright.client.lsp.references import references
from tunewright.client.lsp.rename import RenameError, prepare_rename, rename

WITH_PROFILE = (
    SAMPLE
    + """\
triggers: {data_changed: [rows]}
profiles:
  prod:
    data: {rows: {limit: 5}}
    steps:
      sft: {train: {data: 'rows'}}
      line: {gate: {require: ["exam.quiz.exact > 0.9 and\\
        exam.quiz.exact_stderr < 0.1"]}}
"""
)


def spots(text: str, found: list[object]) -> list[str]:
    lines = text.split("\n")
    return [lines[item.range.start.line][item.range.start.character : item.range.end.character] for item in found]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("at", "line"),
    [
        ("model: s¦ft, suites", "  sft:"),
        ("data: r¦ows", "  rows: {"),
        ("suites: [qui¦z]", "  quiz: {"),
        ("- exa¦m.quiz.exact", "  exam:"),
        ("- exam.q¦uiz.exact", "  quiz: {"),
        ('"mean(ex¦am.*.exact', "  exam:"),
    ],
)
def test_definition_is_the_declaration(desk: Desk, at: str, line: str) -> None:
    snapshot, place = desk.snapshot(SAMPLE.replace(at.replace("¦", ""), at, 1))
    [found] = definition(snapshot, place)

    assert SAMPLE.split("\n")[found.range.start.line].startswith(line)


def test_base_leads_to_the_base_model(desk: Desk) -> None:
    snapshot, place = desk.snapshot(SAMPLE.replace("{model: sft, suites", "{model: ba¦se, suites"))

    assert [item.range.start.line for item in definition(snapshot, place)] == [2]


def test_references_with_and_without_the_declaration(desk: Desk) -> None:
    snapshot, place = desk.snapshot(SAMPLE.replace("  exam:", "  ex¦am:"))

    assert spots(SAMPLE, references(snapshot, place, True)) == ["exam"] * 3
    assert [item.range.start.line for item in references(snapshot, place, False)] == [16, 17]


@pytest.mark.parametrize(
    ("at", "old", "count"),
    [
        ("  r¦ows: {source", "rows", 5),
        ("  ex¦am:\n", "exam", 5),
        ("  qu¦iz: {file", "quiz", 5),
        ("  s¦ft:\n", "sft", 4),
    ],
)
def test_rename_changes_every_place_and_nothing_else(desk: Desk, at: str, old: str, count: int) -> None:
    snapshot, place = desk.snapshot(WITH_PROFILE.replace(at.replace("¦", ""), at, 1))
    edit = rename(snapshot, place, "changed")
    assert edit is not None
    assert edit.changes is not None
    edits = edit.changes[snapshot.uri]

    assert spots(WITH_PROFILE, list(edits)) == [old] * count
    after, _ = desk.snapshot(applied(snapshot, list(edits)), compile_it=True)
    before = snapshot.compiled(variables={})
    assert after.compilation is not None
    assert before.compilation is not None
    assert [item.code for item in after.compilation.diagnostics] == [
        item.code for item in before.compilation.diagnostics
    ]


@pytest.mark.parametrize("name", ["exam", "base", "Upper", "", "a b", "x\n", "1st", "a" * 64])
def test_rename_refuses_what_would_break_the_spec(desk: Desk, name: str) -> None:
    snapshot, place = desk.snapshot(SAMPLE.replace("  sft:", "  s¦ft:"))

    with pytest.raises(RenameError):
        rename(snapshot, place, name)


def test_rename_waits_until_the_text_is_yaml(desk: Desk) -> None:
    snapshot, place = desk.snapshot(SAMPLE.replace("  sft:", "  s¦ft:") + "  broken\n")

    with pytest.raises(RenameError, match="not valid YAML"):
        rename(snapshot, place, "other")


def test_only_names_of_this_spec_can_be_renamed(desk: Desk) -> None:
    for at in ("suites: [quiz, mm¦lu]", "suites: [qu¦iz]"):
        snapshot, place = desk.snapshot(SAMPLE.replace("suites: [quiz]", at))
        found = prepare_rename(snapshot, place)
        assert (found.placeholder if found else None) == ("quiz" if "qu¦iz" in at else None)
    snapshot, place = desk.snapshot(SAMPLE.replace("api_", "a¦pi_"))
    assert rename(snapshot, place, "other") is None
