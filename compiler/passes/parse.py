"""parse: text -> Document."""

from dataclasses import replace

from tunewright.compiler.passes.work import Work
from tunewright.spec.document import Document
from tunewright.spec.syntax import MappingNode
from tunewright.spec.syntax import parse as parse_text

MAX_STEPS = 1_000


def parse(work: Work) -> Work:
    """Make the Document, or report why the text has none."""
    root = parse_text(work.source, work.sink)
    return work if root is None or _too_many_steps(work, root) else replace(work, document=Document(work.source, root))


def _too_many_steps(work: Work, root: MappingNode) -> bool:
    """Every pass looks at every step: what nobody can read would keep a daemon busy for minutes."""
    steps = root.entries.get("steps")
    if steps is None or not isinstance(steps.value, MappingNode) or len(steps.value.entries) <= MAX_STEPS:
        return False
    message = f"the spec has {len(steps.value.entries):,} steps; at most {MAX_STEPS:,} are planned"
    work.sink.report("TW0003", message, steps.key, help="divide it into several specs")
    return True
