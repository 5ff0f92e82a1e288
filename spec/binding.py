"""Nodes to a typed Spec: pydantic finds what is wrong, this turns each finding into a diagnostic at its place.

What does not fit is mended or taken out and the rest bound again, so that one run finds all mistakes of shape *and* the
rules can look at
the rest. The paths so treated are `poisoned`: nothing more is said about them.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from tunewright.spec.diagnostics import DiagnosticSink, Edit
from tunewright.spec.document import Document, Path, dotted, renamed, replace_at, without
from tunewright.spec.migrate import older_versions
from tunewright.spec.model.document import API_VERSION, Spec
from tunewright.spec.model.policy import POLICY_VERSION, Policy
from tunewright.spec.model.section import NAME_PATTERN, Section
from tunewright.spec.record import record
from tunewright.spec.shape_messages import describe, name_rule
from tunewright.spec.source import Span
from tunewright.spec.suggest import listed, suggestion
from tunewright.spec.syntax import MappingNode, Scalar, ScalarNode, plain_value, resolve_scalar
from tunewright.spec.vocabulary import explain_unknown_key, known_keys

_MAX_ROUNDS = 12
_PLACEHOLDERS: dict[type[Section], dict[Path, Scalar]] = {
    Spec: {("name",): "unnamed", ("api_version",): API_VERSION},
    Policy: {("name",): "unnamed", ("api_version",): POLICY_VERSION},
}


Language = TypeVar("Language", bound=Section)


@record
class Binding:
    """A bound spec (None when too little is left), the document with mistyped keys read as what they were meant to be,
    and the paths whose written values were not usable.
    """

    spec: Spec | None
    document: Document
    poisoned: frozenset[Path]


def bind(document: Document, sink: DiagnosticSink, poisoned: frozenset[Path] = frozenset()) -> Binding:
    """Bind a document; findings go to the sink. About `poisoned` paths everything was said before."""
    if _is_older(document, sink):
        return Binding(None, document, poisoned)
    mender = _Mender(document, sink, document.root, Spec, set(poisoned))
    spec = _bound(mender, Spec)
    return Binding(spec, mender.document, frozenset(mender.poisoned))


def _is_older(document: Document, sink: DiagnosticSink) -> bool:
    """True, and said, for a spec of an older version: its words have other meanings, so no more is said about them."""
    path = ("api_version",)
    node = document.node(path)
    if not isinstance(node, ScalarNode) or node.value not in older_versions():
        return False
    sink.report(
        "TW1007",
        f"api_version `{node.value}` is of an older Tunewright",
        node.span,
        help="`tunewright migrate` brings the spec up to date",
    )
    return True


def bind_policy(document: Document, sink: DiagnosticSink) -> Policy | None:
    """Bind a policy as strictly as a spec; findings go to the sink."""
    return bind_section(document, sink, Policy)


def bind_section(document: Document, sink: DiagnosticSink, language: type[Language]) -> Language | None:
    """Bind a document of a smaller language than the spec's as strictly as a spec; findings go to the sink."""
    return _bound(_Mender(document, sink, document.root, language), language)


def _bound(mender: "_Mender", language: type[Language]) -> Language | None:
    for _ in range(_MAX_ROUNDS):
        try:
            return language.model_validate(plain_value(mender.root))
        except ValidationError as error:
            before = mender.root
            # Unknown keys first: a key that was mistyped is not also missing.
            details = sorted(error.errors(include_url=False), key=lambda detail: detail["type"] != "extra_forbidden")
            mender.missing = _missing_keys(details)
            for detail in details:
                mender.take(detail)
            mender.drop()
            if mender.root is before:
                break
    return None


def _missing_keys(details: Iterable[ErrorDetails]) -> dict[Path, list[str]]:
    """Return the keys that are missing, by the section that misses them."""
    missing: dict[Path, list[str]] = {}
    for detail in details:
        if detail["type"] == "missing":
            *section, key = detail["loc"]
            missing.setdefault(tuple(section), []).append(str(key))
    return missing


@dataclass(slots=True)
class _Mender:
    """Reports what is wrong and makes the tree usable: a mistyped word becomes the one it was meant to be, the rest
    goes.
    """

    document: Document
    sink: DiagnosticSink
    root: MappingNode
    language: type[Section]
    poisoned: set[Path] = field(default_factory=set)
    missing: Mapping[Path, Sequence[str]] = field(default_factory=dict)
    _unexplained: set[Path] = field(default_factory=set)
    _dropped: set[Path] = field(default_factory=set)

    def take(self, detail: ErrorDetails) -> None:
        location = detail["loc"]
        if location and location[-1] == "[key]":
            self._bad_name(location[:-1], detail)
        elif detail["type"] == "missing":
            self._missing(location)
        elif detail["type"] == "extra_forbidden":
            self._unknown(location)
        else:
            self._bad_value(location, detail)

    def drop(self) -> None:
        """Take out what can't be mended; list items from the end, so that indices stay true."""
        for path in sorted(
            self._dropped, key=lambda path: [(isinstance(part, int), part) for part in path], reverse=True
        ):
            self.root = without(self.root, path)
        self._dropped.clear()

    def _bad_name(self, path: Path, detail: ErrorDetails) -> None:
        span, context = self.document.key_span(path), detail.get("ctx") or {}
        if detail["type"] == "literal_error":
            known = context["expected"].replace("'", "`")
            self.sink.report("TW1006", f"`{path[-1]}` can't stand here", span, help=f"here stands {known}")
            self._poison(path)
            return
        pattern = context.get("pattern", NAME_PATTERN)
        meant = _name_like(str(path[-1]))
        if not re.match(pattern, meant):
            meant = meant.replace("_", "-")
        node, right = self.document.node(path), (*path[:-1], meant)
        usable = re.match(pattern, meant) is not None and self.document.node(right) is None
        self.sink.report(
            "TW1006",
            f"`{path[-1]}` is not a name",
            span,
            help=suggestion(meant, name_rule(pattern)) if usable else name_rule(pattern),
            edit=Edit(span, meant) if usable else None,
        )
        if usable and node is not None:
            self._rename(path, meant)
        else:
            self._poison(path)

    def _missing(self, path: Path) -> None:
        *head, key = path
        parent = tuple(head)
        if Document(self.document.source, self.root).node(path) is not None:
            return  # a mistyped key was given its right name in this round
        if not self._is_poisoned(path) and parent not in self._unexplained:
            where = f" in `{dotted(parent)}`" if parent else ""
            node = self.document.node(parent)
            span = (
                self.document.key_span(parent)
                if isinstance(node, MappingNode) and parent
                else self.document.value_span(parent)
            )
            keys_here = known_keys(parent, self.language)
            keys = f" (keys here: {listed(keys_here, 12)})" if keys_here else ""
            self.sink.report("TW1001", f"`{key}` is missing{where}", _head(span), help=f"add `{key}: ...`{keys}")
        if path in (usual := _PLACEHOLDERS.get(self.language, {})):
            self._replace(path, usual[path])
        elif parent:
            self._poison(parent)

    def _unknown(self, path: Path) -> None:
        span = self.document.key_span(path)
        finding = explain_unknown_key(path, self.language, self.missing.get(path[:-1], ()))
        edit = Edit(span, finding.replacement) if finding.replacement else None
        self.sink.report(finding.code, finding.message, span, finding.label, help=finding.help, edit=edit)
        right = (*path[:-1], finding.replacement) if finding.replacement else None
        node = self.document.node(path)
        if right is None or node is None or self.document.node(right) is not None:
            self._poison(path)
            self._unexplained.add(path[:-1])
            return
        self._rename(path, str(right[-1]))
        if not isinstance(node, MappingNode):
            self.poisoned.add(right)  # what it was meant to be is a guess: no more is said about its value

    def _rename(self, path: Path, name: str) -> None:
        """Go on as if the right key stood at a path; the places of what is there stay those of the text."""
        self.root = renamed(self.root, path, name)
        self.document = Document(self.document.source, renamed(self.document.root, path, name))

    def _bad_value(self, path: Path, detail: ErrorDetails) -> None:
        code, message, help_text = describe(detail, path)
        meant = help_text.split("`")[1] if help_text and help_text.startswith("did you mean `") else None
        node = self.document.node(path)
        if not self._is_poisoned(path):
            edit = Edit(node.span, meant) if meant is not None and isinstance(node, ScalarNode) else None
            self.sink.report(code, message, self.document.value_span(path), help=help_text, edit=edit)
        if meant is not None and path not in self.poisoned and all(isinstance(part, str) for part in path):
            self.poisoned.add(path)
            self._replace(path, meant.strip('"') if meant.startswith('"') else resolve_scalar(meant))
        else:
            self._poison(path if node is not None else path[:-1])

    def _replace(self, path: Path, value: Scalar) -> None:
        span = self.document.value_span(path)
        self.root = replace_at(self.root, [str(part) for part in path], span, ScalarNode(value, span))

    def _poison(self, path: Path) -> None:
        if path:
            self.poisoned.add(path)
            self._dropped.add(path)

    def _is_poisoned(self, path: Path) -> bool:
        return any(path[: len(bad)] == bad or bad[: len(path)] == path for bad in self.poisoned)


def _name_like(text: str) -> str:
    """Return the name that a text was probably meant to be: `Final Exam` is `final_exam`."""
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")


def _head(span: Span) -> Span:
    """Return the first line of a span: an arrow over a whole section helps nobody."""
    line_end = span.source.text.find("\n", span.start)
    return Span(span.source, span.start, min(span.end, line_end) if line_end >= 0 else span.end)
