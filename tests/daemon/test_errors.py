"""The table of reasons is append-only: clients decide by these words."""

from grpc import StatusCode

from tunewright.daemon.errors import REASONS, RefusedError

RELEASED = {
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


def test_released_reasons_are_unchanged() -> None:
    assert REASONS.items() >= RELEASED.items()


def test_no_reason_is_missing_from_the_list_above() -> None:
    """Who adds a reason adds it here too: from then on it stays."""
    assert REASONS.keys() == RELEASED.keys()


def test_refusals_know_their_code() -> None:
    error = RefusedError("RUN_NOT_FOUND", "there is no run x", run="x")
    assert (error.code, str(error), error.metadata) == (StatusCode.NOT_FOUND, "there is no run x", {"run": "x"})
