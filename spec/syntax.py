"""YAML text to a tree of nodes with spans: YAML 1.2 core scalars, no duplicate keys, no tags, bounded size, depth and
aliases.

PyYAML's C parser gives events with marks (fast); scalars are resolved here because PyYAML speaks YAML 1.1, where `1e-4`
is text and `no` is false.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from tunewright.spec.diagnostics import DiagnosticSink, Label
from tunewright.spec.record import record
from tunewright.spec.source import SourceFile, Span

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 64
MAX_NODES = 100_000
MAX_ALIAS_NODES = 10_000

Scalar = str | int | float | bool | None


@record
class ScalarNode:
    """A resolved scalar; `plain` is False when it was quoted (then it is always text)."""

    value: Scalar
    span: Span
    plain: bool = True


@record
class SequenceNode:
    """A list of nodes."""

    items: tuple["Node", ...]
    span: Span


@record
class MappingNode:
    """Keys with their spans and nodes, in the order of the text."""

    entries: Mapping[str, "Entry"]
    span: Span


@record
class Entry:
    """One `key: value` of a mapping."""

    key: Span
    value: "Node"


Node = ScalarNode | SequenceNode | MappingNode

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NULL = re.compile(r"(?:~|null|Null|NULL|)\Z")
_TRUE = re.compile(r"(?:true|True|TRUE)\Z")
_FALSE = re.compile(r"(?:false|False|FALSE)\Z")
_INTEGER = re.compile(r"[-+]?[0-9]+\Z")
_OCTAL = re.compile(r"0o[0-7]+\Z")
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_INFINITY = re.compile(r"([-+]?)\.(?:inf|Inf|INF)\Z")
_NAN = re.compile(r"\.(?:nan|NaN|NAN)\Z")
#: What something else than text begins with: most scalars begin otherwise.
_NOT_ONLY_TEXT = frozenset("~nNtTfF+-.0123456789")
# Bidirectional controls and zero-width characters make a text read differently from what it says.
_SURROGATE = re.compile("[\ud800-\udfff]")
#: Joiners belong to words of Persian and Hindi and to emoji: beside an ASCII character they hide something.
_INVISIBLE = re.compile(
    "[\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]"
    "|(?<![^\x00-\x7f])[\u200c\u200d]|[\u200c\u200d](?![^\x00-\x7f])"
)


def resolve_scalar(text: str) -> Scalar:
    """Return the value of a plain scalar by the YAML 1.2 core schema."""
    if text and text[0] not in _NOT_ONLY_TEXT:
        return text
    if _NULL.match(text):
        return None
    if _TRUE.match(text):
        return True
    if _FALSE.match(text):
        return False
    if _INTEGER.match(text):
        return int(text) if len(text) <= 40 else text
    if _OCTAL.match(text):
        return int(text[2:], 8)
    if _HEXADECIMAL.match(text):
        return int(text[2:], 16)
    if _FLOAT.match(text):
        return float(text)
    if match := _INFINITY.match(text):
        return float(match.group(1) + "inf")
    return float("nan") if _NAN.match(text) else text


def parse(source: SourceFile, sink: DiagnosticSink) -> MappingNode | None:
    """Parse a spec's text; findings go to the sink; None when there is nothing to go on with."""
    if len(source.text) > MAX_BYTES:
        megabytes = len(source.text) / 1e6
        sink.report(
            "TW0003",
            f"the spec has {megabytes:.1f} million characters; at most {MAX_BYTES:,} are read",
            Span(source, 0, 0),
            help="keep data in files and name them under `data`",
        )
        return None
    if match := _SURROGATE.search(source.text):
        span = Span(source, match.start(), match.end())
        sink.report("TW0010", "this is not UTF-8 text", span, help="save the file as UTF-8")
        return None
    if match := _INVISIBLE.search(source.text):
        span = Span(source, match.start(), match.end())
        sink.report("TW0011", f"invisible character U+{ord(match.group()):04X}", span, help="remove it")
        return None
    node = parse_node(source, sink)
    if node is None or isinstance(node, MappingNode):
        if isinstance(node, MappingNode) and not node.entries:
            _report_empty(source, sink)
        return node
    if isinstance(node, ScalarNode) and node.value is None:
        _report_empty(source, sink)
    else:
        sink.report(
            "TW1002", "a spec must be a mapping of keys", node.span, help="begin with `api_version: tunewright/v1`"
        )
    return None


def _report_empty(source: SourceFile, sink: DiagnosticSink) -> None:
    sink.report("TW0012", "the spec is empty", Span(source, 0, 0), help="`tunewright init` writes one to start from")


def parse_node(source: SourceFile, sink: DiagnosticSink) -> Node | None:
    """Parse any YAML value (also used for `--set path=VALUE`)."""
    builder = _Builder(source, sink)
    try:
        return builder.document(yaml.parse(source.text, Loader=_LOADER))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        offset = mark.index if mark else len(source.text)
        span = Span(source, min(offset, len(source.text)), min(offset + 1, len(source.text)))
        message = (error.problem or "not YAML").removeprefix("found ")
        notes = (error.context,) if error.context else ()
        sink.report("TW0001", f"not valid YAML: {message}", span, notes=notes, help=_yaml_help(source, span))
    except yaml.reader.ReaderError as error:
        # The reader counts bytes.
        offset = len(source.text.encode()[: error.position].decode(errors="ignore"))
        span = Span(source, offset, min(offset + 1, len(source.text)))
        sink.report("TW0001", f"not valid YAML: {error.reason}", span, help="remove this character")
    except _StopError:
        pass
    return None


def _yaml_help(source: SourceFile, span: Span) -> str | None:
    line = source.line_text(span.begin.line)
    if "\t" in line:
        return "indent with spaces: YAML forbids tabs"
    if "${" in line:
        return 'between `{` and `}` a reference stands in quotes: "${env:NAME}"'
    if line.count("{") != line.count("}") or line.count("[") != line.count("]"):
        return "brackets are not closed on this line"
    return None


class _StopError(Exception):
    """Parsing can't go on; the finding is in the sink."""


@dataclass(slots=True)
class _Frame:
    """A collection under construction."""

    start: int
    anchor: str | None
    items: list[Node] = field(default_factory=list)
    entries: dict[str, Entry] | None = None
    key: tuple[str, Span] | None = None
    skip: bool = False


@dataclass(slots=True)
class _Builder:
    """Builds the tree from events without recursion, so that depth and alias expansion are bounded by us."""

    source: SourceFile
    sink: DiagnosticSink
    stack: list[_Frame] = field(default_factory=list)
    anchors: dict[str, Node] = field(default_factory=dict)
    sizes: dict[int, int] = field(default_factory=dict)
    nodes: int = 0
    alias_nodes: int = 0
    root: Node | None = None

    def document(self, events: Iterator[Any]) -> Node | None:
        documents = 0
        for event in events:
            match event:
                case yaml.DocumentStartEvent():
                    documents += 1
                    if documents > 1:
                        self._stop(
                            "TW0008",
                            "a spec is one YAML document",
                            self._span(event),
                            "remove this `---` and what follows",
                        )
                case yaml.ScalarEvent():
                    self._check(event)
                    self._add(self._scalar(event), event.anchor)
                case yaml.MappingStartEvent():
                    self._open(event, {})
                case yaml.SequenceStartEvent():
                    self._open(event, None)
                case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                    self._close(event)
                case yaml.AliasEvent():
                    self._alias(event)
        return self.root or ScalarNode(None, Span(self.source, 0, 0))

    def _span(self, event: Any) -> Span:
        return Span(self.source, event.start_mark.index, event.end_mark.index)

    def _stop(self, code: str, message: str, span: Span, help: str | None = None) -> None:  # noqa: A002
        self.sink.report(code, message, span, help=help)
        raise _StopError

    def _check(self, event: Any) -> None:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            self._stop("TW0003", f"the spec has more than {MAX_NODES:,} values", self._span(event))
        if event.tag is not None and not (event.tag == "!" and isinstance(event, yaml.ScalarEvent)):
            self._stop(
                "TW0006",
                f"tag `{event.tag}` is not part of the language",
                self._span(event),
                "remove the tag: types follow from the keys",
            )

    def _scalar(self, event: Any) -> ScalarNode:
        plain = event.style is None or event.style == ""
        return ScalarNode(resolve_scalar(event.value) if plain else event.value, self._span(event), plain)

    def _open(self, event: Any, entries: dict[str, Entry] | None) -> None:
        self._check(event)
        if len(self.stack) >= MAX_DEPTH:
            self._stop("TW0005", f"nested deeper than {MAX_DEPTH} levels", self._span(event))
        if self.stack and self.stack[-1].entries is not None and self.stack[-1].key is None and not self.stack[-1].skip:
            self._stop("TW0009", "a key must be plain text", self._span(event))
        self.stack.append(_Frame(event.start_mark.index, event.anchor, entries=entries))

    def _close(self, event: Any) -> None:
        frame = self.stack.pop()
        end = event.end_mark.index
        text = self.source.text
        # A block collection ends where the next token begins: cut the white space and comments that belong to nobody.
        if event.start_mark.index == end:
            end = _trim(text, frame.start, end)
        span = Span(self.source, frame.start, end)
        node: Node = (
            SequenceNode(tuple(frame.items), span) if frame.entries is None else MappingNode(frame.entries, span)
        )
        self._add(node, frame.anchor)

    def _alias(self, event: Any) -> None:
        node = self.anchors.get(event.anchor)
        if node is None:
            self._stop("TW0001", f"unknown alias `*{event.anchor}`", self._span(event))
            return
        self.alias_nodes += self._size(node)
        if self.alias_nodes > MAX_ALIAS_NODES:
            self._stop(
                "TW0004",
                f"aliases unfold to more than {MAX_ALIAS_NODES:,} values",
                self._span(event),
                "write the values out, or use `profiles`",
            )
        self._add(node, None)

    def _size(self, node: Node) -> int:
        known = self.sizes.get(id(node))
        if known is None:
            match node:
                case MappingNode():
                    known = 1 + sum(self._size(entry.value) for entry in node.entries.values())
                case SequenceNode():
                    known = 1 + sum(self._size(item) for item in node.items)
                case _:
                    known = 1
            self.sizes[id(node)] = known
        return known

    def _add(self, node: Node, anchor: str | None) -> None:
        if anchor:
            self.anchors[anchor] = node
        if not self.stack:
            self.root = node
            return
        frame = self.stack[-1]
        if frame.entries is None:
            frame.items.append(node)
        elif frame.key is None:
            self._key(frame, frame.entries, node)
        else:
            name, span = frame.key
            if not frame.skip:
                frame.entries[name] = Entry(span, node)
            frame.key, frame.skip = None, False

    def _key(self, frame: _Frame, entries: dict[str, Entry], node: Node) -> None:
        if not isinstance(node, ScalarNode):
            self._stop("TW0009", "a key must be plain text", node.span)
            return
        name = node.value if isinstance(node.value, str) else node.span.text
        if name == "<<" and node.plain:
            self._stop(
                "TW0007",
                "merge key `<<` is not part of the language",
                node.span,
                "use `profiles`, or write the keys out",
            )
        if name in entries:
            first = entries[name].key
            self.sink.report(
                "TW0002",
                f"key `{name}` is written twice",
                node.span,
                "second time",
                labels=(Label(first, "first time"),),
                help="keep one of them",
            )
            frame.skip = True
        frame.key = (name, node.span)


def _trim(text: str, start: int, end: int) -> int:
    """Return the offset after the last character of text[start:end] that is neither white space nor part of a comment
    line.
    """
    while end > start:
        line_start = text.rfind("\n", start, end) + 1
        line = text[max(line_start, start) : end]
        stripped = line.strip()
        if stripped and not stripped.startswith("#"):
            return max(line_start, start) + len(line.rstrip())
        if line_start <= start:
            break
        end = line_start - 1
    return end


def plain_value(node: Node) -> Any:
    """Return a node as plain Python values; lists become tuples, so that the result can be frozen."""
    match node:
        case ScalarNode():
            return node.value
        case SequenceNode():
            return tuple(plain_value(item) for item in node.items)
        case MappingNode():
            return {name: plain_value(entry.value) for name, entry in node.entries.items()}
