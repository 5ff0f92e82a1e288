"""What is being written at the cursor, found from the text before it: YAML in the making is seldom YAML.

A line-wise reading by indentation; inside `{}` and `[]` character by character. It never fails: at worst the answer is
a place that the language does not know.
"""

import re
from dataclasses import dataclass, field

from tunewright.spec.document import Path

# Every part is possessive by construction: a line of 200,000 characters must not be read twice.
_KEY = re.compile(r"""(?P<key>"[^"]*"[ \t]*|'[^']*'[ \t]*|[^\s#:,\[\]{}"'&*!|>%@`-][^:#,\[\]{}]*):(?=[ \t]|$)""")
_DASH = re.compile(r"-(?:[ \t]+|$)")
_ANCHOR = re.compile(r"[&!]\S+[ \t]+")
_BLOCK_SCALAR = re.compile(r"[|>][-+0-9]*[ \t]*(?:#.*)?$")


@dataclass(frozen=True, slots=True)
class Context:
    """What is being written: a key of the mapping at `path`, or (`is_key` False) the value at `path`.

    `start` is the offset where the word under the cursor begins, `prefix` what of it is written already. `in_flow`:
    inside brackets. `may_be_key`: a value that could also become the first key of a mapping (after `- `, or on the
    line below its key).
    """

    path: Path
    is_key: bool
    start: int
    prefix: str
    in_flow: bool = False
    may_be_key: bool = False


def context_at(text: str, offset: int) -> Context | None:
    """Return what is being written at an offset; None inside comments and block texts."""
    reader = _Reader()
    *lines, last = text[:offset].split("\n")
    for line in lines:
        reader.take(line.rstrip("\r"))
    return reader.finish(last, offset - len(last))


@dataclass(slots=True)
class _Level:
    """A key or a list item that holds what is indented deeper than `indent`."""

    indent: int
    part: str | int
    is_item: bool = False


@dataclass(slots=True)
class _Bracket:
    """An open `{` (with the key whose value is being read) or `[` (with the index)."""

    is_mapping: bool
    key: str | None = None
    index: int = 0

    def part(self) -> str | int | None:
        return self.key if self.is_mapping else self.index


@dataclass(slots=True)
class _Flow:
    """Reads inside brackets."""

    brackets: list[_Bracket] = field(default_factory=list)
    token: str = ""
    quote: str = ""
    in_comment: bool = False

    def take(self, text: str) -> None:
        """Read one line, or the rest of one; of a quoted text that goes on, the part in this line counts."""
        self.in_comment, self.token = False, self.quote
        for index, character in enumerate(text):
            following = text[index + 1 : index + 2]
            if self._skips(character, text[index - 1 : index] if index else " "):
                continue
            if not self.brackets and character not in "{[":
                return
            self._structure(character, following)

    def _skips(self, character: str, previous: str) -> bool:
        """Take in what has no structure: comments and quoted text."""
        if self.in_comment:
            return True
        if self.quote:
            self.token += character
            if character == self.quote:
                self.quote = ""
            return True
        if character == "#" and previous.isspace():
            self.in_comment = True
            return True
        if character in "\"'" and (not self.token or self.token.isspace()):
            self.quote, self.token = character, character
            return True
        return False

    def _structure(self, character: str, following: str) -> None:
        top = self.brackets[-1] if self.brackets else None
        match character:
            case "{" | "[":
                self.brackets.append(_Bracket(character == "{"))
                self.token = ""
            case "}" | "]":
                self.brackets.pop()
                self.token = ""
            case ",":
                if top is not None:
                    top.key, top.index = None, top.index + 1
                self.token = ""
            case ":" if (
                top and top.is_mapping and top.key is None and (following in " \t,}" or self.token[-1:] in ("'", '"'))
            ):
                top.key = self.token.strip().strip("\"'")
                self.token = ""
            case _:
                self.token += character


class _Reader:
    """Keeps where the text read so far leads."""

    def __init__(self) -> None:
        self._levels: list[_Level] = []
        self._flow: _Flow | None = None
        self._flow_indent = 0
        self._block_indent: int | None = None

    def take(self, line: str) -> None:
        """Read one whole line."""
        stripped = line.lstrip(" ")
        indent = len(line) - len(stripped)
        if self._in_block_text(stripped, indent) or not stripped.strip() or stripped.startswith("#"):
            return
        if self._flow is not None and not self._leaves_flow(stripped, indent):
            self._flow.take(line)
        else:
            self._flow = None
            self._structure(stripped, indent)
        if self._flow is not None and not self._flow.brackets:
            self._flow = None

    def finish(self, line: str, line_start: int) -> Context | None:
        """Say what is being written at the end of an unfinished line."""
        stripped = line.lstrip(" ")
        indent = len(line) - len(stripped)
        if self._in_block_text(stripped or "x", indent):
            return None
        if self._flow is not None and not self._leaves_flow(stripped, indent):
            self._flow.take(line)
            return self._in_flow(line, line_start)
        self._flow = None
        rest, column = self._dashes(stripped, indent)
        if match := _KEY.match(rest):
            self._push_key(_bare(match["key"]), column)
            value = rest[match.end() :]
            if self._flow is not None or self._opens_flow(value):
                return self._in_flow(line, line_start)
            return self._value(value, line_start + len(line))
        if self._opens_flow(rest):
            return self._in_flow(line, line_start)
        return self._word(rest, column, line_start + len(line))

    def _word(self, rest: str, column: int, end: int) -> Context | None:
        """A line without a colon yet: a key, or a value of a list item."""
        if rest.startswith(("#", "---")):
            return None
        self._pop(column)
        start = end - len(rest)
        if self._levels and self._levels[-1].is_item:
            return Context(self._path(), False, start + _quote_width(rest), rest.lstrip("\"'"), may_be_key=True)
        return Context(self._path(), True, start, rest)

    def _value(self, value: str, end: int) -> Context | None:
        if re.search(r"(?:^|\s)#", value):
            return None
        written = value.lstrip()
        if _BLOCK_SCALAR.match(written):
            return None
        quote = _quote_width(written)
        return Context(self._path(), False, end - len(written) + quote, written[quote:])

    def _in_flow(self, line: str, line_start: int) -> Context | None:
        flow = self._flow
        if flow is None or flow.in_comment:
            return None
        if not flow.brackets:
            return None
        *outer, top = flow.brackets
        inner = [part for bracket in outer if (part := bracket.part()) is not None]
        path: Path = (*self._path(), *inner)
        written = flow.token.lstrip()
        quote = _quote_width(written)
        start = line_start + len(line) - len(written) + quote
        if top.is_mapping and top.key is None:
            return Context(path, True, start, written[quote:], in_flow=True)
        part = top.index if top.key is None else top.key
        return Context((*path, part), False, start, written[quote:], in_flow=True)

    def _structure(self, stripped: str, indent: int) -> None:
        rest, column = self._dashes(stripped, indent)
        if match := _KEY.match(rest):
            self._push_key(_bare(match["key"]), column)
            rest = rest[match.end() :]
            if _BLOCK_SCALAR.match(rest.strip()):
                self._block_indent = column
                return
        self._opens_flow(rest)

    def _opens_flow(self, rest: str) -> bool:
        value = _ANCHOR.sub("", rest.lstrip(), count=1) if rest.lstrip()[:1] in "&!" else rest.lstrip()
        if not value.startswith(("{", "[")):
            return False
        self._flow = _Flow()
        self._flow_indent = self._levels[-1].indent if self._levels else -1
        self._flow.take(value)
        return True

    def _leaves_flow(self, stripped: str, indent: int) -> bool:
        """A bracket that was never closed ends where a key of the blocks outside begins."""
        return indent <= self._flow_indent and stripped[:1] not in ("}", "]") and _KEY.match(stripped) is not None

    def _dashes(self, stripped: str, indent: int) -> tuple[str, int]:
        column = indent
        while match := _DASH.match(stripped):
            while self._levels and self._levels[-1].indent > column:
                self._levels.pop()
            top = self._levels[-1] if self._levels else None
            if top is not None and top.is_item and top.indent == column:
                self._levels[-1] = _Level(column, int(top.part) + 1, True)
            else:
                self._levels.append(_Level(column, 0, True))
            column += match.end()
            stripped = stripped[match.end() :]
        return stripped, column

    def _push_key(self, name: str, column: int) -> None:
        self._pop(column)
        self._levels.append(_Level(column, name))

    def _pop(self, column: int) -> None:
        while self._levels and self._levels[-1].indent >= column:
            self._levels.pop()

    def _in_block_text(self, stripped: str, indent: int) -> bool:
        if self._block_indent is None:
            return False
        if not stripped.strip() or indent > self._block_indent:
            return True
        self._block_indent = None
        return False

    def _path(self) -> Path:
        return tuple(level.part for level in self._levels)


def _bare(key: str) -> str:
    return key.strip().strip("\"'")


def _quote_width(written: str) -> int:
    return 1 if written[:1] in ("'", '"') else 0
