"""textDocument/rename: a step, a data set or a suite gets another name everywhere, in gates and profiles too."""

import re

from lsprotocol import types

from tunewright.client.lsp.names import Kind, Occurrence, declared, occurrence_at, same_name
from tunewright.client.lsp.snapshot import Snapshot
from tunewright.spec.model.section import NAME_PATTERN


class RenameError(ValueError):
    """The name can't be changed so; the message says why."""


def prepare_rename(snapshot: Snapshot, position: types.Position) -> types.PrepareRenamePlaceholder | None:
    """Return the name that would be changed, None where there is none."""
    found = _renameable(snapshot, position)
    if found is None:
        return None
    return types.PrepareRenamePlaceholder(range=snapshot.range_of(found.span), placeholder=found.name)


def rename(snapshot: Snapshot, position: types.Position, new_name: str) -> types.WorkspaceEdit | None:
    """Return the edits that give the name at a position another one; raise RenameError where that breaks the spec."""
    found = _renameable(snapshot, position)
    if found is None or snapshot.tree is None:
        return None
    if not snapshot.is_whole:
        raise RenameError("the spec is not valid YAML at the moment: some places could be missed")
    if not re.match(NAME_PATTERN, new_name) or "\n" in new_name:
        raise RenameError(f"`{new_name}` is not a name: lower-case letters, digits and `_`, beginning with a letter")
    if new_name == "base" and found.kind is Kind.STEP:
        raise RenameError("`base` means the base model and can't name a step")
    if new_name != found.name and new_name in declared(snapshot.tree, found.kind):
        raise RenameError(f"there is a {found.kind} `{new_name}` already")
    edits = [
        types.TextEdit(range=snapshot.range_of(item.span), new_text=new_name)
        for item in same_name(snapshot.tree, found)
    ]
    return types.WorkspaceEdit(changes={snapshot.uri: edits})


def _renameable(snapshot: Snapshot, position: types.Position) -> Occurrence | None:
    """Return the name at a position if this spec declares it: a public benchmark keeps its name."""
    found = occurrence_at(snapshot.tree, snapshot.offset(position)) if snapshot.tree is not None else None
    if found is None or snapshot.tree is None or found.kind is Kind.BASE:
        return None
    return found if found.name in declared(snapshot.tree, found.kind) else None
