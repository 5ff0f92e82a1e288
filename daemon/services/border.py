"""Around every call: refusals become statuses with ErrorInfo, bugs become INTERNAL, and the daemon knows whether it is
used.
"""

import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc.error_details_pb2 import ErrorInfo, RetryInfo  # type: ignore[import-untyped]
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]
from grpc_status import rpc_status

from tunewright.daemon.errors import DOMAIN, RefusedError
from tunewright.daemon.services import translate
from tunewright.daemon.store.database import StorageBusyError, StorageFullError
from tunewright.proto.v1 import diagnostic_pb2
from tunewright.spec.codes import Severity

_log = logging.getLogger(__name__)

_RETRY_SECONDS = 1
#: Statuses travel in trailers, which clients read up to 8 KiB by default.
_MAX_DIAGNOSTIC_BYTES = 5 * 1024
_MAX_MESSAGE = 1024


@dataclass(slots=True)
class Activity:
    """How much the daemon is used: calls that are open, and when the last one ended (monotonic seconds)."""

    calls: int = 0
    last: float = field(default_factory=time.monotonic)

    def idle_seconds(self) -> float:
        """Return for how long nobody has called."""
        return 0.0 if self.calls else time.monotonic() - self.last


class Border(grpc.aio.ServerInterceptor):  # type: ignore[type-arg]
    """The interceptor of all services."""

    def __init__(self, activity: Activity) -> None:
        self._activity = activity

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]],
        details: grpc.HandlerCallDetails,
    ) -> Any:
        """Return the method's implementation, wrapped."""
        found = await continuation(details)
        if found is None or not details.method.startswith("/tunewright."):
            return found
        if found.unary_unary is not None:
            wrapped = self._answering(found.unary_unary, details.method)
            return grpc.unary_unary_rpc_method_handler(wrapped, found.request_deserializer, found.response_serializer)
        wrapped_stream = self._streaming(found.unary_stream, details.method)
        return grpc.unary_stream_rpc_method_handler(
            wrapped_stream, found.request_deserializer, found.response_serializer
        )

    def _answering(self, inner: Callable[[Any, Any], Awaitable[Any]], method: str) -> Callable[[Any, Any], Any]:
        async def answer(request: Any, context: Any) -> Any:
            self._activity.calls += 1
            try:
                return await inner(request, context)
            except Exception as error:
                await context.abort_with_status(_status(error, method))
            finally:
                self._leave()

        return answer

    def _streaming(self, inner: Callable[[Any, Any], AsyncIterator[Any]], method: str) -> Callable[[Any, Any], Any]:
        async def stream(request: Any, context: Any) -> AsyncIterator[Any]:
            self._activity.calls += 1
            try:
                async for answer in inner(request, context):
                    yield answer
            except Exception as error:
                await context.abort_with_status(_status(error, method))
            finally:
                self._leave()

        return stream

    def _leave(self) -> None:
        self._activity.calls -= 1
        self._activity.last = time.monotonic()


def _status(error: Exception, method: str) -> Any:
    refusal = _refusal(error, method)
    info = ErrorInfo(reason=refusal.reason, domain=DOMAIN, metadata=refusal.metadata)
    details = [_packed(info)]
    if refusal.reason in ("STORE_BUSY", "GOING_AWAY", "DISK_FULL"):
        retry = RetryInfo()
        retry.retry_delay.seconds = _RETRY_SECONDS
        details.append(_packed(retry))
    if refusal.diagnostics:
        details.append(_packed(_first_diagnostics(refusal)))
    status = Status(code=refusal.code.value[0], message=refusal.message[:_MAX_MESSAGE], details=details)
    return rpc_status.to_status(status)


def _refusal(error: Exception, method: str) -> RefusedError:
    match error:
        case RefusedError():
            short = {name: value[:_MAX_MESSAGE] for name, value in error.metadata.items()}
            return RefusedError(error.reason, error.message, diagnostics=error.diagnostics, **short)
        case StorageFullError():
            return RefusedError("DISK_FULL", f"{error}: free space, then try again; what runs goes on")
        case StorageBusyError():
            return RefusedError("STORE_BUSY", f"{error}: try again")
        case _:
            _log.error("a call of %s failed", method, exc_info=error)
            return RefusedError("INTERNAL", "a bug in the daemon; its log has the details", method=method)


def _first_diagnostics(refusal: RefusedError) -> diagnostic_pb2.SpecDiagnostics:
    errors = [item for item in refusal.diagnostics if item.severity is Severity.ERROR]
    message = diagnostic_pb2.SpecDiagnostics(error_count=len(errors))
    for item in errors:
        more = translate.diagnostic(item)
        if message.ByteSize() + more.ByteSize() > _MAX_DIAGNOSTIC_BYTES:
            break
        message.diagnostics.append(more)
    return message


def _packed(message: Any) -> AnyMessage:
    packed = AnyMessage()
    packed.Pack(message)
    return packed
