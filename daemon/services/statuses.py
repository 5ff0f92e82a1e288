"""From what goes wrong in a call to the status that its client reads: always with ErrorInfo, with RetryInfo where
coming again may help.
"""

import logging
from collections.abc import Mapping
from typing import Any

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

#: Reason -> seconds after which the same call may succeed.
_RETRY_SECONDS: Mapping[str, int] = {
    "STORE_BUSY": 1,
    "GOING_AWAY": 1,
    "DISK_FULL": 1,
    "RATE_LIMITED": 1,
    "ISSUER_UNREACHABLE": 5,
    "QUOTA_EXCEEDED": 30,
}
#: Statuses travel in trailers, which clients read up to 8 KiB by default.
_MAX_DIAGNOSTIC_BYTES = 5 * 1024
_MAX_MESSAGE = 1024


def status_of(error: Exception, method: str) -> Any:
    """Return the status of a call that ended with an error."""
    refusal = _refusal(error, method)
    info = ErrorInfo(reason=refusal.reason, domain=DOMAIN, metadata=refusal.metadata)
    details = [_packed(info)]
    if refusal.reason in _RETRY_SECONDS:
        retry = RetryInfo()
        retry.retry_delay.seconds = _RETRY_SECONDS[refusal.reason]
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
