"""Why the daemon says no: one append-only table of reasons, and the error that carries one of them."""

from collections.abc import Mapping
from typing import Any

from grpc import StatusCode

from tunewright.spec.diagnostics import Diagnostic

DOMAIN = "tunewright.dev"

#: Reason -> gRPC code. Clients decide by these words: entries are added, never changed or removed.
REASONS: Mapping[str, StatusCode] = {
    "FIELD_INVALID": StatusCode.INVALID_ARGUMENT,
    "SPEC_INVALID": StatusCode.INVALID_ARGUMENT,
    "PAGE_TOKEN_INVALID": StatusCode.INVALID_ARGUMENT,
    "CURSOR_INVALID": StatusCode.INVALID_ARGUMENT,
    "CURSOR_EXPIRED": StatusCode.OUT_OF_RANGE,
    "ARTIFACT_AMBIGUOUS": StatusCode.INVALID_ARGUMENT,
    "RUN_NOT_FOUND": StatusCode.NOT_FOUND,
    "STEP_NOT_FOUND": StatusCode.NOT_FOUND,
    "ARTIFACT_NOT_FOUND": StatusCode.NOT_FOUND,
    "DEPLOYMENT_NOT_FOUND": StatusCode.NOT_FOUND,
    "REQUEST_ID_REUSED": StatusCode.ALREADY_EXISTS,
    "ENVIRONMENT_MISSING": StatusCode.FAILED_PRECONDITION,
    "NOT_EXECUTABLE": StatusCode.FAILED_PRECONDITION,
    "HARDWARE_MISSING": StatusCode.FAILED_PRECONDITION,
    "POLICY_UNREADABLE": StatusCode.FAILED_PRECONDITION,
    "SECRET_MISSING": StatusCode.FAILED_PRECONDITION,
    "SECRET_UNAVAILABLE": StatusCode.FAILED_PRECONDITION,
    "PORT_IN_USE": StatusCode.FAILED_PRECONDITION,
    "PLAN_CHANGED": StatusCode.FAILED_PRECONDITION,
    "RUN_NOT_FINISHED": StatusCode.FAILED_PRECONDITION,
    "RUN_NOT_PAUSED": StatusCode.FAILED_PRECONDITION,
    "CHECKPOINT_MISSING": StatusCode.FAILED_PRECONDITION,
    "ETAG_MISMATCH": StatusCode.ABORTED,
    "HOLD_NOT_FOUND": StatusCode.NOT_FOUND,
    "ALERT_NOT_FOUND": StatusCode.NOT_FOUND,
    "ALERT_SINK_NOT_FOUND": StatusCode.NOT_FOUND,
    "RETENTION_INVALID": StatusCode.FAILED_PRECONDITION,
    "BACKUP_RUNNING": StatusCode.FAILED_PRECONDITION,
    "DEVICE_NOT_FOUND": StatusCode.NOT_FOUND,
    "DEVICE_NOT_QUARANTINED": StatusCode.FAILED_PRECONDITION,
    "LOCAL_ONLY": StatusCode.PERMISSION_DENIED,
    "CREDENTIAL_MISSING": StatusCode.UNAUTHENTICATED,
    "CREDENTIAL_INVALID": StatusCode.UNAUTHENTICATED,
    "CREDENTIAL_EXPIRED": StatusCode.UNAUTHENTICATED,
    "CREDENTIAL_REVOKED": StatusCode.UNAUTHENTICATED,
    "CREDENTIAL_BOUND": StatusCode.UNAUTHENTICATED,
    "PERMISSION_MISSING": StatusCode.PERMISSION_DENIED,
    "FOLDER_FORBIDDEN": StatusCode.PERMISSION_DENIED,
    "PRIORITY_FORBIDDEN": StatusCode.PERMISSION_DENIED,
    "TOKEN_NOT_FOUND": StatusCode.NOT_FOUND,
    "IDENTITY_NOT_BLOCKED": StatusCode.NOT_FOUND,
    "RATE_LIMITED": StatusCode.RESOURCE_EXHAUSTED,
    "QUOTA_EXCEEDED": StatusCode.RESOURCE_EXHAUSTED,
    "MESSAGE_TOO_LARGE": StatusCode.RESOURCE_EXHAUSTED,
    "ISSUER_UNREACHABLE": StatusCode.UNAVAILABLE,
    "DISK_FULL": StatusCode.RESOURCE_EXHAUSTED,
    "STORE_BUSY": StatusCode.UNAVAILABLE,
    "GOING_AWAY": StatusCode.UNAVAILABLE,
    "INTERNAL": StatusCode.INTERNAL,
}


class RefusedError(Exception):
    """A call is refused: a reason of the table, a sentence for people, and the words of the sentence that vary."""

    def __init__(self, reason: str, message: str, *, diagnostics: tuple[Diagnostic, ...] = (), **metadata: str) -> None:
        super().__init__(message)
        self.reason, self.message, self.metadata, self.diagnostics = reason, message, metadata, diagnostics

    def __reduce__(self) -> tuple[Any, ...]:
        """Come whole out of the process that compiles."""
        return _refused, (self.reason, self.message, self.diagnostics, self.metadata)

    @property
    def code(self) -> StatusCode:
        """The gRPC code of the reason."""
        return REASONS[self.reason]


def _refused(
    reason: str, message: str, diagnostics: tuple[Diagnostic, ...], metadata: Mapping[str, str]
) -> RefusedError:
    return RefusedError(reason, message, diagnostics=diagnostics, **metadata)


def in_words(error: Exception) -> str:
    """Return the sentence of an error; where the system refuses a file, its name, why, and who may."""
    if not isinstance(error, OSError) or error.filename is None:
        return str(error)
    sentence = f"{error.filename}: {error.strerror}"
    return f"{sentence}; do this as the user whose home it is" if isinstance(error, PermissionError) else sentence
