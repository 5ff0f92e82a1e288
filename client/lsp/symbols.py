"""textDocument/documentSymbol: the outline, sections and what is named in them."""

from lsprotocol import types

from tunewright.client.lsp.snapshot import Snapshot
from tunewright.spec.model.document import VERBS
from tunewright.spec.syntax import Entry, MappingNode, Node, ScalarNode

_NAMED = frozenset({"steps", "data", "suites", "profiles"})
_MAX_DETAIL = 60


def symbols(snapshot: Snapshot) -> list[types.DocumentSymbol]:
    """Return the sections of a spec, with steps, data sets, suites and profiles below them."""
    if snapshot.tree is None:
        return []
    return [_section(snapshot, name, entry) for name, entry in snapshot.tree.root.entries.items()]


def _section(snapshot: Snapshot, name: str, entry: Entry) -> types.DocumentSymbol:
    inner = entry.value.entries if isinstance(entry.value, MappingNode) and name in _NAMED else {}
    kind = types.SymbolKind.Namespace if isinstance(entry.value, MappingNode) else types.SymbolKind.Property
    symbol = _symbol(snapshot, name, entry, kind)
    symbol.children = [
        _symbol(snapshot, child, item, types.SymbolKind.Function if name == "steps" else types.SymbolKind.Object)
        for child, item in inner.items()
    ]
    return symbol


def _symbol(snapshot: Snapshot, name: str, entry: Entry, kind: types.SymbolKind) -> types.DocumentSymbol:
    # An alias has the span of what it stands for, which may lie before its key.
    end = max(entry.key.end, entry.value.span.end)
    return types.DocumentSymbol(
        name=name or '""',
        kind=kind,
        range=snapshot.range(entry.key.start, end),
        selection_range=snapshot.range_of(entry.key),
        detail=_detail(entry.value),
    )


def _detail(node: Node) -> str | None:
    """Return a scalar's text, or what a step does."""
    if isinstance(node, ScalarNode):
        text = node.span.text.splitlines()[0] if node.span.text else ""
        return text if len(text) <= _MAX_DETAIL else text[: _MAX_DETAIL - 1] + "…"
    return next((key for key in node.entries if key in VERBS), None) if isinstance(node, MappingNode) else None
