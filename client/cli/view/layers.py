"""What was written for a value and does not count, because a profile or `--set` lies over it."""

from tunewright.client.cli.view.explained import Row
from tunewright.compiler.front import Compilation
from tunewright.compiler.passes.provenance import place_text
from tunewright.spec.diagnostics import DiagnosticSink
from tunewright.spec.document import Document, Path
from tunewright.spec.syntax import parse, plain_value


def replaced(compilation: Compilation, path: str, profile: str | None) -> tuple[Row, ...]:
    """Return the written values at a dotted path that something lies over, the lowest first."""
    root = parse(compilation.source, DiagnosticSink())
    if root is None or compilation.document is None:
        return ()
    written = Document(compilation.source, root)
    parts: Path = tuple(path.split("."))
    layers: list[Path] = [parts, *([("profiles", profile, *parts)] if profile is not None else [])]
    effective = compilation.document.value_span(parts)
    rows = []
    for layer in layers:
        node = written.node(layer)
        if node is not None and (node.span.source, node.span.start) != (effective.source, effective.start):
            where = f"profile {profile}" if layer is not parts else "written"
            rows.append(Row(path, plain_value(node), f"{where}: {place_text(node.span)}"))
    return tuple(rows)
