"""Where the daemon of a home can send alerts, as far as its settings lie here. Only names are read."""

from pathlib import Path

from tunewright.spec.diagnostics import DiagnosticSink
from tunewright.spec.source import SourceFile
from tunewright.spec.syntax import MappingNode, parse

FILE_NAME = "alerts.yaml"
_LONGEST = 2**20


def sink_names(home: Path) -> frozenset[str] | None:
    """Return the names of a home's sinks; None where that is not known: no file, or one that can't be read."""
    try:
        with (home / FILE_NAME).open("rb") as stream:
            content = stream.read(_LONGEST)
    except OSError:
        return None
    root = parse(SourceFile(FILE_NAME, content.decode("utf-8-sig", errors="surrogateescape")), DiagnosticSink())
    entry = root.entries.get("sinks") if isinstance(root, MappingNode) else None
    return frozenset(entry.value.entries) if entry is not None and isinstance(entry.value, MappingNode) else None
