"""Read a settings file of a site: YAML, held to its language as strictly as a spec."""

from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from tunewright.daemon.settings import SettingsFileError
from tunewright.spec.binding import bind_section
from tunewright.spec.diagnostics import Diagnostic, DiagnosticSink
from tunewright.spec.document import Document
from tunewright.spec.model.section import Section
from tunewright.spec.source import SourceFile, Span
from tunewright.spec.syntax import parse

_LONGEST = 2**20
_EXAMPLES = "docs/access.md, alerts.md, secrets.md and keeping.md show what stands in which file"
#: What the parser says of specs, in words that are true of a site's files.
_OF_A_SPEC = {
    "the spec is empty": ("the file is empty", _EXAMPLES),
    "a spec must be a mapping of keys": ("the file must be a mapping of keys", _EXAMPLES),
}
Language = TypeVar("Language", bound=Section)


@dataclass(frozen=True, slots=True)
class Written(Generic[Language]):
    """What a file says, and where it says it."""

    value: Language
    document: Document

    def place(self, path: tuple[str | int, ...]) -> str:
        """Return `file:line:column` of a value."""
        return _place(self.document.value_span(path))


def read_settings_file(path: Path, language: type[Language]) -> Language:
    """Return what a file says; raise SettingsFileError."""
    return read_written(path, language).value


def read_written(path: Path, language: type[Language]) -> Written[Language]:
    """Return what a file says, for whoever finds more that is wrong with it; raise SettingsFileError."""
    try:
        with path.open("rb") as stream:
            content = stream.read(_LONGEST + 1)
    except OSError as error:
        raise SettingsFileError(f"{path} can't be read: {error.strerror}") from None
    if len(content) > _LONGEST:
        raise SettingsFileError(f"{path} is longer than {_LONGEST // 2**20} MiB")
    source, sink = SourceFile(str(path), content.decode("utf-8-sig", errors="surrogateescape")), DiagnosticSink()
    root = parse(source, sink)
    document = None if root is None else Document(source, root)
    found = None if document is None else bind_section(document, sink, language)
    findings = [_line(item) for item in sink]
    if found is None or document is None or findings:
        raise SettingsFileError("\n".join(findings) or f"{path} is empty")
    return Written(found, document)


def _line(item: Diagnostic) -> str:
    message, help = _OF_A_SPEC.get(item.message, (item.message, item.help))  # noqa: A001 - the word users read
    return f"{_place(item.primary.span)}: {message}" + (f" ({help})" if help else "")


def _place(span: Span) -> str:
    return f"{span.source.name}:{span.begin.line}:{span.begin.column}"
