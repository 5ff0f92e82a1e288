"""What a call that did not work means: an exception for the caller, or another try."""

from dataclasses import dataclass
from typing import Any

import grpc
from google.rpc.error_details_pb2 import ErrorInfo  # type: ignore[import-untyped]
from grpc_status import rpc_status

from tunewright.client import wire
from tunewright.client.credentials import Credentials
from tunewright.client.errors import ClientError, RefusedError, UnreachableError
from tunewright.proto.v1 import diagnostic_pb2

#: The daemon said no before it did anything, and may say yes in a moment.
_PASSING_REASONS = frozenset({"GOING_AWAY", "STORE_BUSY"})
_NOBODY = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
_FIRST_PAUSE_SECONDS = 0.05
_LONGEST_PAUSE_SECONDS = 1.0


@dataclass(slots=True, kw_only=True)
class Persistence:
    """Decides about further tries of one call. `met`: this client has had an answer from the daemon before."""

    repeatable: bool
    met: bool
    patience_seconds: float
    _pause: float = _FIRST_PAUSE_SECONDS
    _waited: float = 0.0

    def pause_after(self, error: grpc.RpcError) -> float | None:
        """Return how many seconds to wait before the next try, None when there must not be one.

        A call that may have been carried out is sent again only where that does no harm; a daemon that never answered
        is not waited for.
        """
        if not passes(error) or self._waited >= self.patience_seconds:
            return None
        if _info(error).reason not in _PASSING_REASONS and not (self.repeatable and self.met):
            return None
        pause = min(self._pause, self.patience_seconds - self._waited)
        self._pause = min(self._pause * 2, _LONGEST_PAUSE_SECONDS)
        self._waited += pause
        return pause


def passes(error: Any) -> bool:
    """Answer whether the reason may be gone in a moment."""
    return bool(error.code() is grpc.StatusCode.UNAVAILABLE)


def translated(error: Any, target: str, credentials: Credentials) -> ClientError:
    """Return the exception that a failed call ends with. Where nobody answers, credentials may be why: looks again."""
    status = rpc_status.from_call(error)
    code, message, info = error.code(), error.details() or "", _info(error)
    if code in _NOBODY and info.reason in ("", "GOING_AWAY"):
        # TLS and certificates cost their import only when something is wrong with them.
        from tunewright.client.handshake import explain

        return explain(target, credentials) or UnreachableError(
            f"no Tunewright daemon answers at {target} ({message})", target=target
        )
    diagnostics = diagnostic_pb2.SpecDiagnostics()
    for detail in status.details if status is not None else ():
        detail.Unpack(diagnostics)
    return RefusedError(
        message,
        code=code.name.lower(),
        reason=info.reason or code.name,
        metadata=info.metadata,
        diagnostics=[wire.diagnostic(item) for item in diagnostics.diagnostics],
    )


def _info(error: Any) -> Any:
    info, status = ErrorInfo(), rpc_status.from_call(error)
    for detail in status.details if status is not None else ():
        if detail.Unpack(info):
            break
    return info
