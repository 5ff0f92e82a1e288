"""The Document form: a tree of nodes, and the way from a path in the spec to the place where it was written."""

from collections.abc import Iterator, Sequence

from tunewright.spec.record import record
from tunewright.spec.source import SourceFile, Span
from tunewright.spec.syntax import Entry, MappingNode, Node, SequenceNode

Path = tuple[str | int, ...]

#: In a pattern of a path, any name.
ANY = "*"


@record
class Document:
    """A parsed spec. Nodes that came from a profile or `--set` keep the spans of where they were written."""

    source: SourceFile
    root: MappingNode

    def node(self, path: Path) -> Node | None:
        """Return the node at a path, or None when nothing was written there."""
        node: Node | None = self.root
        for part in path:
            node = _child(node, part)
            if node is None:
                return None
        return node

    def nodes(self, pattern: Path) -> Iterator[Node]:
        """Yield the nodes at all paths that a pattern means."""
        yield from _matching(self.root, pattern)

    def value_span(self, path: Path) -> Span:
        """Return the span of the value at a path; when it is not there, of the nearest thing around it."""
        for length in range(len(path), 0, -1):
            node = self.node(path[:length])
            if node is not None:
                return node.span if length == len(path) else self.key_span(path[:length])
        return Span(self.source, 0, 0)

    def key_span(self, path: Path) -> Span:
        """Return the span of the key (or list item) at a path; when it is not there, of the nearest thing around it."""
        for length in range(len(path), 0, -1):
            parent = self.node(path[: length - 1])
            part = path[length - 1]
            if isinstance(parent, MappingNode) and isinstance(part, str) and part in parent.entries:
                return parent.entries[part].key
            if isinstance(parent, SequenceNode) and isinstance(part, int) and part < len(parent.items):
                return parent.items[part].span
        return Span(self.source, 0, 0)


def matches(path: Path, pattern: Path) -> bool:
    """True for a path that a pattern of the same length means."""
    return len(path) == len(pattern) and all(want in (ANY, part) for part, want in zip(path, pattern, strict=True))


def _matching(node: Node | None, pattern: Path) -> Iterator[Node]:
    if node is None:
        return
    if not pattern:
        yield node
    elif pattern[0] != ANY:
        yield from _matching(_child(node, pattern[0]), pattern[1:])
    elif isinstance(node, MappingNode):
        for entry in node.entries.values():
            yield from _matching(entry.value, pattern[1:])


def _child(node: Node | None, part: str | int) -> Node | None:
    if isinstance(node, MappingNode) and isinstance(part, str):
        entry = node.entries.get(part)
        return entry.value if entry else None
    if isinstance(node, SequenceNode) and isinstance(part, int) and part < len(node.items):
        return node.items[part]
    # A scalar written where one or several are allowed: `data: rows` is item 0 of itself.
    return node if node is not None and part == 0 else None


def overlay(below: Node, above: Node) -> Node:
    """Return `below` with `above` laid over it: mappings merge key by key, everything else is replaced."""
    if not (isinstance(below, MappingNode) and isinstance(above, MappingNode)):
        return above
    entries = dict(below.entries)
    for name, entry in above.entries.items():
        if name in entries:
            entries[name] = Entry(entry.key, overlay(entries[name].value, entry.value))
        else:
            entries[name] = entry
    return MappingNode(entries, below.span)


def replace_at(root: MappingNode, path: Sequence[str], key: Span, value: Node) -> MappingNode:
    """Return `root` with `value` at a path of keys; missing mappings on the way are made."""
    head, *rest = path
    entries = dict(root.entries)
    if rest:
        inner = entries[head].value if head in entries else None
        mapping = inner if isinstance(inner, MappingNode) else MappingNode({}, key)
        entries[head] = Entry(entries[head].key if head in entries else key, replace_at(mapping, rest, key, value))
    else:
        entries[head] = Entry(key, value)
    return MappingNode(entries, root.span)


def renamed(root: MappingNode, path: Path, name: str) -> MappingNode:
    """Return `root` with the key at a path called `name`; its span and its place in the order stay."""
    return _renamed(root, path, name)  # type: ignore[return-value]


def _renamed(node: Node, path: Path, name: str) -> Node:
    head, rest = path[0], path[1:]
    if isinstance(node, MappingNode):
        return MappingNode(
            {
                (name if key == head and not rest else key): (
                    Entry(entry.key, _renamed(entry.value, rest, name)) if key == head and rest else entry
                )
                for key, entry in node.entries.items()
            },
            node.span,
        )
    if isinstance(node, SequenceNode):
        items = (_renamed(item, rest, name) if index == head else item for index, item in enumerate(node.items))
        return SequenceNode(tuple(items), node.span)
    return node


def without(root: MappingNode, path: Path) -> MappingNode:
    """Return `root` without what is at a path (used to go on after a mistake)."""
    return _without(root, path)  # type: ignore[return-value]


def _without(node: Node, path: Path) -> Node:
    head, rest = path[0], path[1:]
    if isinstance(node, MappingNode) and isinstance(head, str) and head in node.entries:
        entries = dict(node.entries)
        if rest:
            entries[head] = Entry(entries[head].key, _without(entries[head].value, rest))
        else:
            del entries[head]
        return MappingNode(entries, node.span)
    if isinstance(node, SequenceNode) and isinstance(head, int) and head < len(node.items):
        items = list(node.items)
        if rest:
            items[head] = _without(items[head], rest)
        else:
            del items[head]
        return SequenceNode(tuple(items), node.span)
    return node


def dotted(path: Path) -> str:
    """Return a path as users write it: `steps.sft.train.data[0]`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else (f".{part}" if text else part)
    return text
