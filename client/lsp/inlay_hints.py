"""textDocument/inlayHint: behind each step what the compiler chose where nothing was written. Off unless asked for."""

import json
from typing import Any

from lsprotocol import types

from tunewright.client.cli.view.explained import resolved_value
from tunewright.client.lsp.about import table_row
from tunewright.client.lsp.snapshot import Snapshot
from tunewright.compiler.front import Compilation
from tunewright.compiler.ir.resolved import Origin
from tunewright.spec.model.document import VERBS
from tunewright.spec.syntax import MappingNode

_SHOWN = 5


def inlay_hints(snapshot: Snapshot, wanted: types.Range) -> list[types.InlayHint]:
    """Return one hint behind each step that begins in a range; only for a text that is compiled as it stands."""
    compilation = snapshot.compilation
    if compilation is None or compilation.resolved is None or compilation.document is None:
        return []
    hints = []
    for step in compilation.resolved.steps:
        body = compilation.document.node(("steps", step.name, step.verb))
        if not isinstance(body, MappingNode) or not snapshot.owns(body.span):
            continue
        chosen = _chosen(compilation, f"steps.{step.name}.{step.verb}.")
        place = snapshot.position(body.span.end)
        if chosen and wanted.start.line <= place.line <= wanted.end.line:
            hints.append(_hint(place, chosen))
    return hints


def _chosen(compilation: Compilation, prefix: str) -> list[tuple[str, str, str]]:
    """Return key, value and origin of what was not written and is not unset."""
    found = []
    for path, provenance in compilation.resolved.provenance.items() if compilation.resolved is not None else ():
        if path.startswith(prefix) and provenance.origin is not Origin.WRITTEN and path[len(prefix) :] not in VERBS:
            value = resolved_value(compilation, path)
            if value is not None and value != [] and value != "":
                found.append((path.removeprefix(prefix), _word(value), str(provenance)))
    return found


def _hint(place: types.Position, chosen: list[tuple[str, str, str]]) -> types.InlayHint:
    rest = f", and {len(chosen) - _SHOWN} more" if len(chosen) > _SHOWN else ""
    label = ", ".join(f"{key}: {value}" for key, value, _ in chosen[:_SHOWN]) + rest
    rows = [table_row(*row) for row in chosen]
    table = "\n".join(["| not written | | from |", "|---|---|---|", *rows])
    return types.InlayHint(
        position=place,
        label=label,
        padding_left=True,
        tooltip=types.MarkupContent(kind=types.MarkupKind.Markdown, value=table),
    )


def _word(value: Any) -> str:
    if isinstance(value, dict):
        # A parallelism: the rest of it says one process, no offload.
        return str(value.get("strategy") or value.get("type") or json.dumps(value, ensure_ascii=False))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
