"""bind: Document -> Spec (what was written, typed)."""

from dataclasses import replace

from tunewright.compiler.passes.work import Work
from tunewright.spec.binding import bind as bind_document


def bind(work: Work) -> Work:
    """Bind the Document; what does not fit is reported and poisoned."""
    assert work.document is not None
    binding = bind_document(work.document, work.sink, work.poisoned)
    return replace(work, spec=binding.spec, document=binding.document, poisoned=binding.poisoned)
