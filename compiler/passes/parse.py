"""parse: text -> Document."""

from dataclasses import replace

from tunewright.compiler.passes.work import Work
from tunewright.spec.document import Document
from tunewright.spec.syntax import parse as parse_text


def parse(work: Work) -> Work:
    """Make the Document, or report why the text has none."""
    root = parse_text(work.source, work.sink)
    return work if root is None else replace(work, document=Document(work.source, root))
