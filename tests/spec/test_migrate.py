"""Older specs become specs of this version by edits: everything else stays, byte by byte."""

import pytest

from tunewright.compiler.pipeline import new_work, read
from tunewright.spec.migrate import Migration, MigrationError, Rename, migrate
from tunewright.spec.source import SourceFile

DRAFT = """\
# Our assistant  \r
api_version: tunewright/v0   # of the drafts
name: assistant
suites:
  routing: {file: r.jsonl, "schema": s.json,   metric: json_schema} # strict
  other:
      schema : t.json  # blocks too
      file: "schema: not a key"
schema: {schema: 1}
profiles:
  small: {suites: {routing: {schema: u.json}}}
"""

#: A made-up language of three versions.
MADE_UP = (
    Migration("v1", "v2", (Rename((), "model", "base"), Rename(("steps", "*"), "tune", "train"))),
    Migration("v2", "v3", (Rename(("steps", "*", "train"), "lr", "learning_rate"),)),
)


def test_a_draft_keeps_its_comments_and_layout() -> None:
    text, changes = migrate(SourceFile("life.yaml", DRAFT))
    assert text == (
        DRAFT.replace("tunewright/v0", "tunewright/v1")
        .replace('"schema": s', "json_schema: s")
        .replace("schema : t", "json_schema : t")
        .replace("schema: u", "json_schema: u")
    )
    assert [change.edit.span.begin.line for change in changes] == [2, 5, 7, 11]
    assert changes[1].words == "suites.routing.schema is called json_schema now"
    assert changes[3].words == "profiles.small.suites.routing.schema is called json_schema now"
    assert migrate(SourceFile("life.yaml", text)) == (text, ())


def test_several_versions_at_once() -> None:
    old = "# all\nmodel: x\napi_version: v1\nsteps:\n  one: {tune: {lr: 1}} # \U0001f600\n  two: {tune: &t {lr: 2}}\n"
    text, changes = migrate(SourceFile("old", old), MADE_UP)
    assert text == (
        "# all\nbase: x\napi_version: v3\nsteps:\n  one: {train: {learning_rate: 1}} # \U0001f600\n"
        "  two: {train: &t {learning_rate: 2}}\n"
    )
    assert len(changes) == 7
    halfway = old.replace("v1", "v2").replace("tune", "train").replace("model", "base")
    assert migrate(SourceFile("old", halfway), MADE_UP)[0] == text


def test_what_an_alias_repeats_is_changed_once() -> None:
    old = "api_version: tunewright/v0\nsuites:\n  a: &a {schema: s}\n  b: *a\n"
    text, changes = migrate(SourceFile("old", old))
    assert text == "api_version: tunewright/v1\nsuites:\n  a: &a {json_schema: s}\n  b: *a\n"
    assert len(changes) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("api_version: tunewright/v9\nname: x\n", "known are `tunewright/v0`, `tunewright/v1`"),
        ("name: x\n", "does not say its api_version"),
        ("name: {\n", "is no YAML yet: line 2"),
        ("", "is no YAML yet"),
        ("api_version: tunewright/v0\nsuites: {a: {schema: s, json_schema: t}}\n", "old:2:14: .* both are written"),
    ],
)
def test_what_can_not_be_migrated_is_said(text: str, message: str) -> None:
    with pytest.raises(MigrationError, match=message):
        migrate(SourceFile("old", text))


@pytest.mark.parametrize("suites", ["[]", "x", "{a: 1}", "{}"])
def test_shapes_that_are_wrong_are_left_to_the_check(suites: str) -> None:
    text, changes = migrate(SourceFile("old", f"api_version: tunewright/v0\nsuites: {suites}\n"))
    assert text == f"api_version: tunewright/v1\nsuites: {suites}\n"
    assert len(changes) == 1


def test_the_finding_about_the_version_points_here() -> None:
    work = read(new_work(DRAFT.replace("metric: json_schema", "metrik: json_schema"), "life.yaml"))
    (item,) = work.sink  # the words of a draft may mean something else: nothing is said about them
    assert item.code == "TW1007"
    assert "`tunewright migrate`" in (item.help or "")
    for odd in ("[1]", "{a: b}", "2", "null"):
        assert read(new_work(f"api_version: {odd}\nname: x\n", "life.yaml")).sink.has_errors
