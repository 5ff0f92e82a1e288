"""Specs of older versions of the language, brought to this one as edits of the text: comments and layout stay."""

from collections.abc import Iterator, Mapping

from tunewright.spec.diagnostics import DiagnosticSink, Edit
from tunewright.spec.document import Document, Path, dotted
from tunewright.spec.model.document import API_VERSION
from tunewright.spec.record import record
from tunewright.spec.source import SourceFile
from tunewright.spec.syntax import MappingNode, Node, ScalarNode, parse

_ANY = "*"


@record
class Rename:
    """A key that is called otherwise now. `section` is the path of the mapping it stands in; `*` is any name."""

    section: tuple[str, ...]
    old: str
    new: str


@record
class Migration:
    """What changed from one version of the language to the next."""

    before: str
    after: str
    renames: tuple[Rename, ...] = ()


@record
class Change:
    """One edit and what it does, in words."""

    edit: Edit
    words: str


#: Every step between two versions, oldest first. `tunewright/v0` is the language of the drafts before the release.
MIGRATIONS = (
    Migration(
        before="tunewright/v0",
        after="tunewright/v1",
        renames=(Rename(section=("suites", _ANY), old="schema", new="json_schema"),),
    ),
)


class MigrationError(ValueError):
    """The text can't be brought to this version; the message is a sentence."""


def older_versions(migrations: tuple[Migration, ...] = MIGRATIONS) -> frozenset[str]:
    """Return the versions that a spec can be brought up from."""
    return frozenset(migration.before for migration in migrations)


def migrate(source: SourceFile, migrations: tuple[Migration, ...] = MIGRATIONS) -> tuple[str, tuple[Change, ...]]:
    """Return the text in this version of the language, and what was changed; raise MigrationError.

    The spans of a change are places of the text that the change was made to: with several versions to go, each step
    starts from the outcome of the step before.
    """
    text, made = source.text, list[Change]()
    steps: Mapping[str, Migration] = {migration.before: migration for migration in migrations}
    current = migrations[-1].after if migrations else API_VERSION
    while True:
        document = _document(SourceFile(source.name, text))
        version = _version(document)
        if version.value == current:
            return text, tuple(made)
        migration = steps.get(str(version.value))
        if migration is None:
            known = ", ".join(f"`{name}`" for name in sorted({*steps, current}))
            raise MigrationError(f"`{source.name}` has api_version `{version.value}`; known are {known}")
        changes = [*_changes(document, migration), _new_version(version, migration)]
        changes.sort(key=lambda change: change.edit.span.start)
        text = applied(text, [change.edit for change in changes])
        made += changes


def applied(text: str, edits: list[Edit]) -> str:
    """Return a text with edits made to it; they must not overlap."""
    for edit in sorted(edits, key=lambda edit: edit.span.start, reverse=True):
        text = text[: edit.span.start] + edit.replacement + text[edit.span.end :]
    return text


def _document(source: SourceFile) -> Document:
    sink = DiagnosticSink()
    root = parse(source, sink)
    if root is None or sink.has_errors:
        first = next(iter(sink))
        begin = first.primary.span.begin
        raise MigrationError(f"`{source.name}` is no YAML yet: line {begin.line}: {first.message}")
    return Document(source, root)


def _version(document: Document) -> ScalarNode:
    node = document.node(("api_version",))
    if not isinstance(node, ScalarNode):
        raise MigrationError(f"`{document.source.name}` does not say its api_version")
    return node


def _new_version(version: ScalarNode, migration: Migration) -> Change:
    edit = Edit(version.span, migration.after)
    return Change(edit, f"api_version: {migration.before} -> {migration.after}")


def _changes(document: Document, migration: Migration) -> Iterator[Change]:
    """Yield the edits of a step; profiles are overlays of the document, so they are changed as it is."""
    roots: list[tuple[Path, Node]] = [((), document.root)]
    profiles = document.root.entries.get("profiles")
    if profiles is not None and isinstance(profiles.value, MappingNode):
        roots += [(("profiles", name), entry.value) for name, entry in profiles.value.entries.items()]
    seen: set[int] = set()  # an alias leads to the same place twice
    for start, root in roots:
        for rename in migration.renames:
            for path, mapping in _sections(root, rename.section, start):
                key = mapping.entries[rename.old].key if rename.old in mapping.entries else None
                if key is None or key.start in seen:
                    continue
                if rename.new in mapping.entries:
                    place = f"{document.source.name}:{key.begin.line}:{key.begin.column}"
                    raise MigrationError(f"{place}: `{rename.old}` is called `{rename.new}` now, and both are written")
                seen.add(key.start)
                yield Change(Edit(key, rename.new), f"{dotted((*path, rename.old))} is called {rename.new} now")


def _sections(node: Node, pattern: tuple[str, ...], path: Path) -> Iterator[tuple[Path, MappingNode]]:
    if not isinstance(node, MappingNode):
        return
    if not pattern:
        yield path, node
        return
    head, rest = pattern[0], pattern[1:]
    for name, entry in node.entries.items():
        if head in (_ANY, name):
            yield from _sections(entry.value, rest, (*path, name))
