"""textDocument/codeAction: the compiler's own edits, offered as quick fixes."""

from lsprotocol import types

from tunewright.client.lsp.diagnostics import diagnostic, visible_range
from tunewright.client.lsp.snapshot import Snapshot
from tunewright.spec.diagnostics import Diagnostic, Edit


def code_actions(snapshot: Snapshot, wanted: types.Range) -> list[types.CodeAction]:
    """Return the fixes of the findings that touch a range."""
    found = snapshot.found
    return [
        _action(snapshot, item, item.edit)
        for item in found
        if item.edit is not None and snapshot.owns(item.edit.span) and _touch(visible_range(snapshot, item), wanted)
    ]


def _action(snapshot: Snapshot, item: Diagnostic, edit: Edit) -> types.CodeAction:
    change = types.TextEdit(range=snapshot.range_of(edit.span), new_text=edit.replacement)
    return types.CodeAction(
        title=_title(edit),
        kind=types.CodeActionKind.QuickFix,
        diagnostics=[diagnostic(snapshot, item)],
        is_preferred=True,
        edit=types.WorkspaceEdit(changes={snapshot.uri: [change]}),
    )


def _title(edit: Edit) -> str:
    before, after = (text.strip().partition("\n")[0] for text in (edit.span.text, edit.replacement))
    if not after:
        return f"remove `{before}`"
    return f"change `{before}` to `{after}`" if before else f"insert `{after}`"


def _touch(one: types.Range, other: types.Range) -> bool:
    return one.start <= other.end and other.start <= one.end
