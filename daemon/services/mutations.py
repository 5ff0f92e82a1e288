"""What requests that change something have in common: the etag that they were decided on, and whether they are only
tried.
"""

from dataclasses import dataclass
from typing import Any

from tunewright.daemon.errors import RefusedError


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutation:
    """The common part of one request."""

    etag: str
    validate_only: bool

    def hold_to(self, etag: str, name: str) -> None:
        """Raise RefusedError where the request was decided on something older."""
        if self.etag and self.etag != etag:
            message = f"{name} has changed since it was read (etag {self.etag[:100]}, now {etag}): look again"
            raise RefusedError("ETAG_MISMATCH", message, etag=etag, name=name)


def mutation(request: Any) -> Mutation:
    """Return the common part of a request."""
    return Mutation(etag=request.etag, validate_only=request.validate_only)
