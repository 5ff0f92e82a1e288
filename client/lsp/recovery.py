"""A tree out of a text that is no YAML at the moment: the line that breaks it is blanked, so that all offsets stay."""

from tunewright.spec.diagnostics import DiagnosticSink
from tunewright.spec.document import Document
from tunewright.spec.source import SourceFile
from tunewright.spec.syntax import parse

_MAX_BLANKED = 6
_MAX_CHARACTERS = 200_000  # beyond, looking for the broken line takes longer than people wait


def read_tree(text: str, name: str) -> tuple[Document | None, bool]:
    """Return the tree of a text, and whether the whole text is in it; None when nothing can be made of it."""
    document, broken_at = _attempt(text, name)
    if document is not None:
        return document, True
    for _ in range(_MAX_BLANKED):
        if broken_at is None or len(text) > _MAX_CHARACTERS:
            return None, False
        text, document, broken_at = _blank_best(text, name, broken_at)
        if document is not None:
            return document, False
    return None, False


def _blank_best(text: str, name: str, broken_at: int) -> tuple[str, Document | None, int | None]:
    """Blank the line of the mistake or the one before it: the parser often notices a line too late."""
    best: tuple[str, Document | None, int | None] = (text, None, None)
    for start, end in _lines_before(text, broken_at):
        blanked = text[:start] + " " * (end - start) + text[end:]
        document, next_at = _attempt(blanked, name)
        if document is not None:
            return blanked, document, None
        if next_at is not None and (best[2] is None or next_at > best[2]):
            best = (blanked, None, next_at)
    return best


def _lines_before(text: str, offset: int) -> list[tuple[int, int]]:
    """Return the bounds of the last two lines with something on them that begin at or before an offset."""
    found: list[tuple[int, int]] = []
    start = text.rfind("\n", 0, offset) + 1
    while len(found) < 2:
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        if text[start:end].strip():
            found.append((start, end))
        if start == 0:
            break
        start = text.rfind("\n", 0, start - 1) + 1
    return found


def _attempt(text: str, name: str) -> tuple[Document | None, int | None]:
    sink = DiagnosticSink()
    source = SourceFile(name, text)
    root = parse(source, sink)
    if root is not None:
        return Document(source, root), None
    return None, next((item.primary.span.start for item in sink if item.code == "TW0001"), None)
