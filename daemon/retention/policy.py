"""The site's retention as it is written in `retention.yaml`, held to as strictly as a spec."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from tunewright.daemon.errors import RefusedError
from tunewright.spec.binding import bind_section
from tunewright.spec.diagnostics import Diagnostic, DiagnosticSink
from tunewright.spec.document import Document
from tunewright.spec.model.section import Section
from tunewright.spec.source import SourceFile
from tunewright.spec.syntax import parse

FILE_NAME = "retention.yaml"
_LONGEST = 2**16

Days = Annotated[int, Field(ge=0, le=36_500)]


class Retention(Section):
    """How long files are kept; what is active, held, served or among the last runs of a spec is kept in any case."""

    artifacts_days: Days = 30
    """Days that an artifact is kept after the last run that used it has ended."""

    checkpoints_days: Days = 7
    """Days that an attempt's work folder with its checkpoints is kept after the attempt has ended."""

    logs_days: Days = 90
    """Days that an attempt's logs are kept after its run has ended."""

    keep_last: Annotated[int, Field(ge=0, le=10_000)] = 3
    """Runs of each spec that are kept whole, newest first."""


def read_retention(home: Path) -> Retention:
    """Return the retention of a home, ours where it has none; raise RefusedError for a file that can't be read."""
    path = home / FILE_NAME
    if not path.exists():
        return Retention()
    try:
        with path.open("rb") as stream:
            content = stream.read(_LONGEST + 1)
    except OSError as error:
        raise _invalid(f"{path} can't be read: {error.strerror}") from error
    if len(content) > _LONGEST:
        raise _invalid(f"{path} is longer than {_LONGEST // 1024} KiB")
    source, sink = SourceFile(str(path), content.decode("utf-8-sig", errors="surrogateescape")), DiagnosticSink()
    root = parse(source, sink)
    found = None if root is None else bind_section(Document(source, root), sink, Retention)
    findings = [_line(item) for item in sink]
    if found is None or findings:
        raise _invalid("; ".join(findings) or f"{path} is empty")
    return found


def _invalid(message: str) -> RefusedError:
    return RefusedError("RETENTION_INVALID", f"{message}; nothing is collected without it")


def _line(item: Diagnostic) -> str:
    place = item.primary.span
    return f"{place.source.name}:{place.begin.line}:{place.begin.column}: {item.message}"
