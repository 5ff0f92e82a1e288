"""textDocument/foldingRange: by indentation and comment blocks, so that folds stay while the YAML is broken."""

from lsprotocol import types

from tunewright.client.lsp.positions import LineIndex
from tunewright.client.lsp.snapshot import Snapshot


def folding(snapshot: Snapshot) -> list[types.FoldingRange]:
    """Return what can be folded: a line with the deeper lines below it, and comments of several lines."""
    found: list[types.FoldingRange] = []
    open_blocks: list[tuple[int, int]] = []
    last = 0
    for number, indent in _filled_lines(snapshot.lines):
        while open_blocks and open_blocks[-1][0] >= indent:
            _close(found, open_blocks.pop()[1], last)
        open_blocks.append((indent, number))
        last = number
    while open_blocks:
        _close(found, open_blocks.pop()[1], last)
    return sorted([*found, *_comments(snapshot.lines)], key=lambda item: (item.start_line, item.end_line))


def _filled_lines(lines: LineIndex) -> list[tuple[int, int]]:
    """Return the lines with something on them, and how deep they are indented; a dash counts as half a step."""
    found = []
    for number in range(lines.line_count):
        line = lines.line(number)
        stripped = line.lstrip(" \ufeff")
        if stripped.strip() and not stripped.startswith("#"):
            indent = 2 * (len(line) - len(stripped)) + stripped.startswith("- ")
            found.append((number, indent))
    return found


def _comments(lines: LineIndex) -> list[types.FoldingRange]:
    found: list[types.FoldingRange] = []
    start: int | None = None
    for number in range(lines.line_count + 1):
        is_comment = number < lines.line_count and lines.line(number).lstrip(" \ufeff").startswith("#")
        if is_comment and start is None:
            start = number
        elif not is_comment and start is not None:
            _close(found, start, number - 1, types.FoldingRangeKind.Comment)
            start = None
    return found


def _close(found: list[types.FoldingRange], start: int, end: int, kind: types.FoldingRangeKind | None = None) -> None:
    if end > start:
        found.append(types.FoldingRange(start_line=start, end_line=end, kind=kind))
