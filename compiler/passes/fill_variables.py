"""fill_variables: `${env:NAME}` -> the value it was given, everywhere but in secrets and in profiles that were not
chosen.
"""

from dataclasses import dataclass, field, replace

from tunewright.compiler.passes.secrets import SECRET_KEYS, VARIABLE
from tunewright.compiler.passes.work import Work
from tunewright.spec.document import Document, Path
from tunewright.spec.source import Span
from tunewright.spec.syntax import Entry, MappingNode, Node, ScalarNode, SequenceNode, resolve_scalar


def fill_variables(work: Work) -> Work:
    """Return the work with the Document as it reads once the variables are filled in; nodes keep their spans."""
    assert work.document is not None
    filler = _Filler(work)
    entries = {
        name: entry if name == "profiles" else Entry(entry.key, filler.filled(entry.value, (name,)))
        for name, entry in work.document.root.entries.items()
    }
    root = MappingNode(entries, work.document.root.span)
    return replace(
        work, document=Document(work.document.source, root), filled=filler.used, poisoned=frozenset(filler.unset)
    )


@dataclass(slots=True)
class _Filler:
    """Fills in the texts of a tree and remembers what it took, and what was not set."""

    work: Work
    used: dict[str, str] = field(default_factory=dict)
    unset: set[Path] = field(default_factory=set)

    def filled(self, node: Node, path: Path) -> Node:
        """Return the node at a path with its texts filled in."""
        match node:
            case MappingNode():
                entries = {
                    name: Entry(entry.key, self.filled(entry.value, (*path, name)))
                    for name, entry in node.entries.items()
                }
                return MappingNode(entries, node.span)
            case SequenceNode():
                return SequenceNode(
                    tuple(self.filled(item, (*path, index)) for index, item in enumerate(node.items)), node.span
                )
            case ScalarNode(value=str(text)) if VARIABLE.search(text) and SECRET_KEYS.isdisjoint(path):
                return self._text(node, text, path)
            case _:
                return node

    def _text(self, node: ScalarNode, text: str, path: Path) -> ScalarNode:
        for match in VARIABLE.finditer(text):
            name = match.group(1)
            if name in self.work.variables:
                self.used[name] = self.work.variables[name]
            else:
                self.unset.add(path)
                self.work.sink.report(
                    "TW1018",
                    f"the variable `{name}` is not set",
                    _place(node.span, match.group()),
                    help=f"set `{name}` in the environment that calls tunewright, or write the value",
                )
        value = VARIABLE.sub(lambda match: self.work.variables.get(match.group(1), match.group()), text)
        # A plain scalar reads as if the value had been written there: `${env:RATE}` can be a number.
        return ScalarNode(resolve_scalar(value) if node.plain else value, node.span, node.plain)


def _place(span: Span, reference: str) -> Span:
    start = span.text.find(reference)
    return span if start < 0 else Span(span.source, span.start + start, span.start + start + len(reference))
