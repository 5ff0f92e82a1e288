"""Where a spec names its steps, data sets and suites: the declarations and everything that refers to them."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from tunewright.compiler.expressions import paths_in
from tunewright.spec.document import Document
from tunewright.spec.source import Span
from tunewright.spec.syntax import MappingNode, Node, ScalarNode, SequenceNode


class Kind(StrEnum):
    """What a name stands for, in the words of messages."""

    STEP = "step"
    DATA = "data set"
    SUITE = "suite"
    BASE = "base model"


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One place where a name stands; `span` holds the name alone, without quotes."""

    kind: Kind
    name: str
    span: Span
    is_declaration: bool = False


_DECLARATIONS = (("steps", Kind.STEP), ("data", Kind.DATA), ("suites", Kind.SUITE))
_REFERENCES = (
    (("steps", "*", "train", "from"), Kind.STEP),
    (("steps", "*", "evaluate", "model"), Kind.STEP),
    (("steps", "*", "export", "model"), Kind.STEP),
    (("steps", "*", "deploy", "model"), Kind.STEP),
    (("steps", "*", "train", "data"), Kind.DATA),
    (("steps", "*", "export", "calibration"), Kind.DATA),
    (("triggers", "data_changed"), Kind.DATA),
    (("steps", "*", "evaluate", "suites"), Kind.SUITE),
)
_REQUIREMENTS = ("steps", "*", "gate", "require")
_BASE = "base"


def occurrences(document: Document) -> tuple[Occurrence, ...]:
    """Return every place where a step, a data set, a suite or the base model is named, in the order of the text."""
    main = document.root
    profiles = _child(main, "profiles")
    overlays = [entry.value for entry in profiles.entries.values()] if isinstance(profiles, MappingNode) else []
    found = dict.fromkeys([*_in_root(main, None), *(item for overlay in overlays for item in _in_root(overlay, main))])
    return tuple(sorted(found, key=lambda item: item.span.start))


def occurrence_at(document: Document, offset: int) -> Occurrence | None:
    """Return the name at an offset, or None."""
    return next((item for item in occurrences(document) if item.span.start <= offset <= item.span.end), None)


def same_name(document: Document, wanted: Occurrence) -> tuple[Occurrence, ...]:
    """Return every occurrence of the same thing."""
    return tuple(item for item in occurrences(document) if (item.kind, item.name) == (wanted.kind, wanted.name))


def declared(document: Document, kind: Kind) -> tuple[str, ...]:
    """Return the names of a kind, in the order of the text."""
    found = (item.name for item in occurrences(document) if item.kind is kind and item.is_declaration)
    return tuple(dict.fromkeys(found))


def _in_root(root: Node, main: MappingNode | None) -> Iterator[Occurrence]:
    """Yield what one root names; in a profile (`main` is the spec's own root) known names are taken up again."""
    if not isinstance(root, MappingNode):
        return
    if main is None and _BASE in root.entries:
        yield Occurrence(Kind.BASE, _BASE, _bare(root.entries[_BASE].key), True)
    for section, kind in _DECLARATIONS:
        node = _child(root, section)
        above = _child(main, section) if main else None
        for name, entry in node.entries.items() if isinstance(node, MappingNode) else ():
            known = isinstance(above, MappingNode) and name in above.entries
            yield Occurrence(kind, name, _bare(entry.key), not known)
    for pattern, kind in _REFERENCES:
        for scalar in _scalars(root, pattern):
            if isinstance(scalar.value, str):
                is_base = kind is Kind.STEP and scalar.value == _BASE
                yield Occurrence(Kind.BASE if is_base else kind, scalar.value, _bare(scalar.span))
    for scalar in _scalars(root, _REQUIREMENTS):
        yield from _in_requirement(scalar.span)


def _in_requirement(span: Span) -> Iterator[Occurrence]:
    # The text as it stands in the file: names read the same there, however the scalar is quoted or folded.
    for path, at in paths_in(span.text):
        for kind, part in zip((Kind.STEP, Kind.SUITE), path.split("."), strict=False):
            if part != "*":
                yield Occurrence(kind, part, Span(span.source, span.start + at, span.start + at + len(part)))
            at += len(part) + 1


def _scalars(node: Node | None, pattern: tuple[str, ...]) -> Iterator[ScalarNode]:
    if not pattern:
        match node:
            case ScalarNode():
                yield node
            case SequenceNode():
                yield from (item for item in node.items if isinstance(item, ScalarNode))
    elif isinstance(node, MappingNode):
        inner = [entry.value for entry in node.entries.values()] if pattern[0] == "*" else [_child(node, pattern[0])]
        for item in inner:
            yield from _scalars(item, pattern[1:])


def _child(node: Node | None, key: str) -> Node | None:
    return node.entries[key].value if isinstance(node, MappingNode) and key in node.entries else None


def _bare(span: Span) -> Span:
    """Take the quotes off."""
    quoted = len(span.text) >= 2 and span.text[0] in "\"'" and span.text[-1] == span.text[0]
    return Span(span.source, span.start + 1, span.end - 1) if quoted else span
