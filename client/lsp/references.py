"""textDocument/references: everything that refers to a step, a data set, a suite or the base model."""

from lsprotocol import types

from tunewright.client.lsp.definition import locations
from tunewright.client.lsp.snapshot import Snapshot


def references(snapshot: Snapshot, position: types.Position, with_declaration: bool) -> list[types.Location]:
    """Return the references to the name at a position."""
    return locations(snapshot, position, declarations=with_declaration, references=True)
