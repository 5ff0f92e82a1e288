"""apply_profile: lay the chosen profile and the `--set` values over the Document."""

import re
from dataclasses import replace

from tunewright.compiler.passes.work import Work
from tunewright.spec.document import Document, overlay, replace_at
from tunewright.spec.source import SourceFile, Span
from tunewright.spec.suggest import listed, nearest, suggestion
from tunewright.spec.syntax import Entry, MappingNode, parse_node

_SET = re.compile(r"\s*([A-Za-z_][\w-]*(?:\.[A-Za-z_][\w-]*)*)\s*=(.*)\Z", re.DOTALL)


def apply_profile(work: Work) -> Work:
    """Return the work with the effective Document; the profile's and the sets' nodes keep their own spans."""
    assert work.document is not None
    root = _with_profile(work, work.document.root)
    for number, text in enumerate(work.sets, start=1):
        root = _with_set(work, root, number, text)
    return replace(work, document=Document(work.source, root))


def _with_profile(work: Work, root: MappingNode) -> MappingNode:
    if work.profile is None:
        return root
    entry = root.entries.get("profiles")
    profiles = entry.value.entries if entry and isinstance(entry.value, MappingNode) else {}
    chosen = profiles.get(work.profile)
    if chosen is None:
        near = nearest(work.profile, profiles)
        span = entry.key if entry else Span(work.source, 0, 0)
        known = f"profiles here: {listed(profiles)}" if profiles else "this spec has no `profiles`"
        work.sink.report("TW1014", f"unknown profile `{work.profile}`", span, help=suggestion(near, known))
        return root
    laid = overlay(root, chosen.value)
    return laid if isinstance(laid, MappingNode) else root


def _with_set(work: Work, root: MappingNode, number: int, text: str) -> MappingNode:
    source = SourceFile(f"--set {number}", text)
    match = _SET.match(text)
    if not match:
        work.sink.report(
            "TW1015",
            "an override is written `path=value`",
            Span(source, 0, len(text)),
            help="for example `--set steps.sft.train.learning_rate=1e-4`",
        )
        return root
    path = match.group(1).split(".")
    # The value keeps its place in the override's own text, so that a mistake in it is shown there.
    value_source = SourceFile(source.name, " " * match.start(2) + match.group(2))
    value = parse_node(value_source, work.sink)
    if value is None:
        return root
    return replace_at(root, path, Span(source, match.start(1), match.end(1)), value)


def profile_names(document: Document) -> tuple[str, ...]:
    """Return the names of the profiles that a document holds."""
    entry: Entry | None = document.root.entries.get("profiles")
    return tuple(entry.value.entries) if entry and isinstance(entry.value, MappingNode) else ()
