"""Read a settings file of a site: YAML, held to its language as strictly as a spec."""

from pathlib import Path
from typing import TypeVar

from tunewright.daemon.settings import SettingsFileError
from tunewright.spec.binding import bind_section
from tunewright.spec.diagnostics import Diagnostic, DiagnosticSink
from tunewright.spec.document import Document
from tunewright.spec.model.section import Section
from tunewright.spec.source import SourceFile
from tunewright.spec.syntax import parse

_LONGEST = 2**20
Language = TypeVar("Language", bound=Section)


def read_settings_file(path: Path, language: type[Language]) -> Language:
    """Return what a file says; raise SettingsFileError."""
    try:
        with path.open("rb") as stream:
            content = stream.read(_LONGEST + 1)
    except OSError as error:
        raise SettingsFileError(f"{path} can't be read: {error.strerror}") from None
    if len(content) > _LONGEST:
        raise SettingsFileError(f"{path} is longer than {_LONGEST // 2**20} MiB")
    source, sink = SourceFile(str(path), content.decode("utf-8-sig", errors="surrogateescape")), DiagnosticSink()
    root = parse(source, sink)
    found = None if root is None else bind_section(Document(source, root), sink, language)
    findings = [_line(item) for item in sink]
    if found is None or findings:
        raise SettingsFileError("\n".join(findings) or f"{path} is empty")
    return found


def _line(item: Diagnostic) -> str:
    place, help = item.primary.span, f" ({item.help})" if item.help else ""  # noqa: A001 - the word users read
    return f"{place.source.name}:{place.begin.line}:{place.begin.column}: {item.message}{help}"
