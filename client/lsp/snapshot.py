"""One version of one open document, frozen: the text, its lines, its tree, and what the compiler found in it."""

import re
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

from lsprotocol import types

from tunewright.client.lsp.positions import LineIndex
from tunewright.client.lsp.recovery import read_tree
from tunewright.compiler.front import Compilation, compile_text
from tunewright.spec.diagnostics import Diagnostic
from tunewright.spec.document import Document
from tunewright.spec.source import Span

_BOM = "\ufeff"
_UNSAVED = Path("untitled")
_NAMES = re.compile(r"(?:life|.*\.life|.*\.tunewright)\.ya?ml", re.IGNORECASE)
_MARK = re.compile(r"^\ufeff?api_version:[ \t]*[\"']?tunewright/", re.MULTILINE)


@dataclass(frozen=True, eq=False, kw_only=True)
class Snapshot:
    """A document at a version. `compilation` is None until the compiler is through with exactly this text.

    `last_good` is the newest compilation of an earlier text that came as far as facts: what is known of models and data
    while the text is broken.
    """

    uri: str
    text: str
    version: int | None = None
    encoding: str = types.PositionEncodingKind.Utf16.value
    compilation: Compilation | None = None
    last_good: Compilation | None = None

    @property
    def is_spec(self) -> bool:
        """Whether this is a life-cycle spec, by its file name or by its `api_version`: editors send us all YAML."""
        return bool(_NAMES.fullmatch(self.path.name) or _MARK.search(self.text))

    @cached_property
    def path(self) -> Path:
        """Where the document is; for one that was never saved a file that does not exist."""
        try:
            parts = urlparse(self.uri)
        except ValueError:
            return _UNSAVED
        return Path(unquote(parts.path) or _UNSAVED) if parts.scheme == "file" else Path(parts.path or _UNSAVED)

    @cached_property
    def body(self) -> str:
        """The text without a byte order mark: what the compiler's offsets count in."""
        return self.text.removeprefix(_BOM)

    @cached_property
    def lines(self) -> LineIndex:
        """The lines of the whole text."""
        return LineIndex(self.text, self.encoding)

    @cached_property
    def _read(self) -> tuple[Document | None, bool]:
        return read_tree(self.body, str(self.path))

    @property
    def tree(self) -> Document | None:
        """The tree of this very text; without its broken lines where it is broken."""
        return self._read[0]

    @property
    def is_whole(self) -> bool:
        """Whether the text is YAML as it stands."""
        return self._read[1]

    @property
    def found(self) -> tuple[Diagnostic, ...]:
        """What the compiler found in this very text; nothing before it is through."""
        return self.compilation.diagnostics if self.compilation is not None else ()

    @property
    def known(self) -> Compilation | None:
        """The newest compilation with facts: this text's, or that of an earlier one."""
        own = self.compilation
        return own if own is not None and own.facts is not None else self.last_good

    @property
    def _shift(self) -> int:
        return len(self.text) - len(self.body)

    def offset(self, position: types.Position) -> int:
        """Return the offset in `body` of a place in the document."""
        return max(0, self.lines.offset(position) - self._shift)

    def position(self, offset: int) -> types.Position:
        """Return the place in the document of an offset in `body`."""
        return self.lines.position(offset + self._shift)

    def range(self, start: int, end: int) -> types.Range:
        """Return the range in the document between two offsets in `body`."""
        return self.lines.range(start + self._shift, end + self._shift)

    def range_of(self, span: Span) -> types.Range:
        """Return the range in the document of a span; spans of other texts (a policy) mean the beginning."""
        return self.range(span.start, span.end) if self.owns(span) else self.range(0, 0)

    def owns(self, span: Span) -> bool:
        """Whether a span lies in this document."""
        return span.source.name == str(self.path)

    def checked(self, **world: Any) -> "Snapshot":
        """Return this snapshot with what the compiler finds in it; `world` is passed on to the compiler."""
        folder = self.path.parent if self.path.parent.is_dir() else Path.cwd()
        compilation = compile_text(self.text, name=str(self.path), base_directory=folder, plan=False, **world)
        return replace(self, compilation=compilation)

    def planned(self) -> "Snapshot":
        """Return this checked snapshot with its plan."""
        return replace(self, compilation=self.compilation.planned()) if self.compilation is not None else self

    def compiled(self, **world: Any) -> "Snapshot":
        """Return this snapshot checked, and with its plan."""
        return self.checked(**world).planned()

    def with_text(self, text: str, version: int | None) -> "Snapshot":
        """Return the next version, which remembers what was known of this one."""
        return Snapshot(uri=self.uri, text=text, version=version, encoding=self.encoding, last_good=self.known)
