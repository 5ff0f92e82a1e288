"""textDocument/definition: where a step, a data set, a suite or the base model is declared."""

from lsprotocol import types

from tunewright.client.lsp.names import occurrence_at, same_name
from tunewright.client.lsp.snapshot import Snapshot


def definition(snapshot: Snapshot, position: types.Position) -> list[types.Location]:
    """Return the declarations of the name at a position."""
    return locations(snapshot, position, declarations=True, references=False)


def locations(
    snapshot: Snapshot, position: types.Position, *, declarations: bool, references: bool
) -> list[types.Location]:
    """Return the places where the name at a position is declared, is referred to, or both."""
    name = occurrence_at(snapshot.tree, snapshot.offset(position)) if snapshot.tree is not None else None
    if name is None or snapshot.tree is None:
        return []
    return [
        types.Location(uri=snapshot.uri, range=snapshot.range_of(item.span))
        for item in same_name(snapshot.tree, name)
        if (declarations if item.is_declaration else references)
    ]
