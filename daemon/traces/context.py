"""Names of spans: those that come with a call (W3C trace context), and those that follow from what a span is about.

A run's spans have ids that are digests of its id, so that nothing has to be remembered: whichever daemon sees a step
end names the same spans.
"""

import hashlib
import re
from contextvars import ContextVar
from dataclasses import dataclass

_HEADER = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")


@dataclass(frozen=True, slots=True)
class TraceContext:
    """A span of a trace; neither id is 0."""

    trace_id: int
    span_id: int

    @property
    def header(self) -> str:
        """The value of the `traceparent` header that names it."""
        return f"00-{self.trace_id:032x}-{self.span_id:016x}-01"


def from_header(text: object) -> TraceContext | None:
    """Return what a `traceparent` names, None where it names nothing."""
    match = _HEADER.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        return None
    found = TraceContext(int(match[1], 16), int(match[2], 16))
    return found if found.trace_id and found.span_id else None


def span_about(trace_id: int | None, *words: str | int) -> TraceContext:
    """Return the span that is about these words; without a trace to belong to it begins one."""
    digest = hashlib.sha256("\0".join(map(str, words)).encode()).digest()
    begun = int.from_bytes(digest[:16]) or 1
    return TraceContext(begun if trace_id is None else trace_id, int.from_bytes(digest[16:24]) or 1)


#: The span of the call that is being served.
CALL: ContextVar[TraceContext | None] = ContextVar("tunewright_trace", default=None)
