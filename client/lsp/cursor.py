"""What of a tree is under the cursor."""

from dataclasses import dataclass

from tunewright.spec.document import Document, Path
from tunewright.spec.source import Span
from tunewright.spec.syntax import MappingNode, Node, ScalarNode, SequenceNode


@dataclass(frozen=True, slots=True)
class Place:
    """A key or a scalar: its path, where it was written, and which of the two it is."""

    path: Path
    span: Span
    is_key: bool


def place_at(document: Document, offset: int) -> Place | None:
    """Return the key or the scalar at an offset, or None between them."""
    node: Node = document.root
    path: Path = ()
    while True:
        match node:
            case MappingNode():
                for name, entry in node.entries.items():
                    if _holds(entry.key, offset):
                        return Place((*path, name), entry.key, True)
                parts: list[tuple[str | int, Node]] = [(key, entry.value) for key, entry in node.entries.items()]
            case SequenceNode():
                parts = list(enumerate(node.items))
            case ScalarNode():
                return Place(path, node.span, False)
        inside = next((pair for pair in parts if _holds(pair[1].span, offset)), None)
        if inside is None:
            return None
        path, node = (*path, inside[0]), inside[1]


def _holds(span: Span, offset: int) -> bool:
    return span.start <= offset <= span.end
