"""textDocument/formatting: blanks at line ends and empty lines at the end go, the last line gets its end.

Nothing else: where lines break and how deep they stand is the author's. What a text means never changes.
"""

from lsprotocol import types

from tunewright.client.lsp.snapshot import Snapshot
from tunewright.spec.diagnostics import DiagnosticSink
from tunewright.spec.source import SourceFile
from tunewright.spec.syntax import MappingNode, Node, ScalarNode, SequenceNode, parse, plain_value


def formatting(snapshot: Snapshot) -> list[types.TextEdit]:
    """Return the edits; none where the text is no YAML, or where it would come to mean something else."""
    tree = snapshot.tree
    if tree is None or not snapshot.is_whole:
        return []
    edits = _edits(snapshot, tree.root)
    after = _applied(snapshot, edits)
    root = parse(SourceFile("", after.removeprefix("\ufeff")), DiagnosticSink())
    # Compared as written: not-a-number is not equal to itself.
    if root is None or repr(plain_value(root)) != repr(plain_value(tree.root)):
        return []
    return [types.TextEdit(range=snapshot.lines.range(start, end), new_text=new) for start, end, new in edits]


def _edits(snapshot: Snapshot, root: Node) -> list[tuple[int, int, str]]:
    """Return (start, end, new text) in offsets of the whole text, from the front."""
    text, lines = snapshot.text, snapshot.lines
    kept = len(text.rstrip(" \t\r\n"))
    inside = _text_lines(snapshot, root)
    edits = []
    for number in range(lines.line_count):
        start, end = lines.bounds(number)
        bare = start + len(text[start:end].rstrip(" \t"))
        if bare < end <= kept and number not in inside:
            edits.append((bare, end, ""))
    line_end = "\r\n" if "\r\n" in text else "\n"
    if text[kept:] != line_end:
        edits.append((kept, len(text), line_end))
    return edits


def _text_lines(snapshot: Snapshot, root: Node) -> frozenset[int]:
    """Return the lines that lie inside texts of several lines: blanks at their ends may belong to the text."""
    found: set[int] = set()
    waiting = [root]
    while waiting:
        match waiting.pop():
            case MappingNode(entries=entries):
                waiting += [entry.value for entry in entries.values()]
            case SequenceNode(items=items):
                waiting += items
            case ScalarNode(span=span):
                where = snapshot.range_of(span)
                if where.start.line != where.end.line:
                    found.update(range(where.start.line, where.end.line))
    return frozenset(found)


def _applied(snapshot: Snapshot, edits: list[tuple[int, int, str]]) -> str:
    text = snapshot.text
    for start, end, new in reversed(edits):
        text = text[:start] + new + text[end:]
    return text
