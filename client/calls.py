"""Every unary rpc as a value: what is sent, what the answer means, and whether it may be sent again when nobody knows
what became of it. The clients, one that waits and one that awaits, only carry them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import uuid4

from tunewright.client import wire
from tunewright.client.values import (
    Artifact,
    Collection,
    Compiled,
    CreatedRun,
    Deployment,
    Diagnostic,
    Hold,
    Point,
    Run,
    RunDetail,
    RunEvent,
    ServerInfo,
    SpecSource,
)
from tunewright.proto.v1 import (
    artifact_service_pb2,
    artifact_service_pb2_grpc,
    deployment_service_pb2,
    deployment_service_pb2_grpc,
    keeping_service_pb2,
    keeping_service_pb2_grpc,
    run_service_pb2,
    run_service_pb2_grpc,
    server_service_pb2,
    server_service_pb2_grpc,
    spec_service_pb2,
    spec_service_pb2_grpc,
)

#: Seconds for calls that compile (they read and hash the spec's files) and for all others.
COMPILE_TIMEOUT_SECONDS = 600.0
TIMEOUT_SECONDS = 30.0
#: Seconds for removing what nothing keeps: terabytes, at worst.
COLLECT_TIMEOUT_SECONDS = 6 * 3600.0
_EVENT_PAGE = 1000
_POINT_PAGE = 10_000
_CANCEL_MODES = {"graceful": run_service_pb2.CANCEL_MODE_GRACEFUL, "now": run_service_pb2.CANCEL_MODE_NOW}

Answer = TypeVar("Answer")
Item = TypeVar("Item")
#: Some items, and the token of the next page; empty when this was the last one.
Page = tuple[list[Item], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Generic[Answer]):
    """One call. `repeatable`: sending it twice has the effect of sending it once."""

    stub: Callable[[Any], Any]
    method: str
    request: Any
    read: Callable[[Any], Answer]
    repeatable: bool = True
    timeout_seconds: float = TIMEOUT_SECONDS


def check(source: SpecSource) -> Call[tuple[Diagnostic, ...]]:
    """Everything that is wrong with a spec."""
    return Call(
        stub=spec_service_pb2_grpc.SpecServiceStub,
        method="CheckSpec",
        request=spec_service_pb2.CheckSpecRequest(source=wire.source_message(source)),
        read=lambda answer: tuple(wire.diagnostic(item) for item in answer.diagnostics),
        timeout_seconds=COMPILE_TIMEOUT_SECONDS,
    )


def compile_spec(source: SpecSource) -> Call[Compiled]:
    """The plan of a spec."""
    return Call(
        stub=spec_service_pb2_grpc.SpecServiceStub,
        method="CompileSpec",
        request=spec_service_pb2.CompileSpecRequest(source=wire.source_message(source)),
        read=wire.compiled,
        timeout_seconds=COMPILE_TIMEOUT_SECONDS,
    )


def create_run(
    source: SpecSource,
    *,
    request_id: str,
    validate_only: bool,
    expected_plan_digest: str,
    priority: int,
    preemptible: bool,
) -> Call[CreatedRun]:
    """A new run."""
    request = run_service_pb2.CreateRunRequest(
        source=wire.source_message(source),
        request_id=request_id or _new_request_id(),
        validate_only=validate_only,
        expected_plan_digest=expected_plan_digest,
        priority=priority,
        preemptible=preemptible,
    )
    return _of_runs("CreateRun", request, wire.created_run, COMPILE_TIMEOUT_SECONDS)


def get_run(run: str) -> Call[RunDetail]:
    """A run with its texts."""
    return _of_runs("GetRun", run_service_pb2.GetRunRequest(name=f"runs/{run}"), wire.run_detail)


def list_runs(
    token: str,
    *,
    spec_name: str,
    active_only: bool,
    states: Sequence[str],
    create_after: datetime | None,
    create_before: datetime | None,
) -> Call[Page[Run]]:
    """A page of runs."""
    request = run_service_pb2.ListRunsRequest(
        page_token=token,
        spec_name=spec_name,
        active_only=active_only,
        states=[wire.run_state(word) for word in states],
        create_after=wire.timestamp(create_after),
        create_before=wire.timestamp(create_before),
    )
    return _of_runs("ListRuns", request, lambda answer: _page(answer.runs, wire.run, answer))


def cancel_run(run: str, *, mode: str, reason: str, request_id: str, etag: str, validate_only: bool) -> Call[Run]:
    """A run that is to stop."""
    request = run_service_pb2.CancelRunRequest(
        name=f"runs/{run}",
        mode=_CANCEL_MODES[mode],
        reason=reason,
        request_id=request_id or _new_request_id(),
        etag=etag,
        validate_only=validate_only,
    )
    return _of_runs("CancelRun", request, _run_of)


def pause_run(run: str, *, by: str, reason: str, request_id: str, etag: str, validate_only: bool) -> Call[Run]:
    """A run that is to rest."""
    request = run_service_pb2.PauseRunRequest(
        name=f"runs/{run}",
        by=by,
        reason=reason,
        request_id=request_id or _new_request_id(),
        etag=etag,
        validate_only=validate_only,
    )
    return _of_runs("PauseRun", request, _run_of)


def set_run_priority(run: str, priority: int, *, by: str, request_id: str, etag: str, validate_only: bool) -> Call[Run]:
    """A run that is to be more or less urgent."""
    request = run_service_pb2.SetRunPriorityRequest(
        name=f"runs/{run}",
        priority=priority,
        by=by,
        request_id=request_id or _new_request_id(),
        etag=etag,
        validate_only=validate_only,
    )
    return _of_runs("SetRunPriority", request, _run_of)


def resume_run(
    run: str,
    *,
    step: str,
    sets: Sequence[str],
    by: str,
    reason: str,
    request_id: str,
    etag: str,
    validate_only: bool,
) -> Call[Run]:
    """A run that is to go on."""
    request = run_service_pb2.ResumeRunRequest(
        name=f"runs/{run}",
        step=step,
        sets=sets,
        by=by,
        reason=reason,
        request_id=request_id or _new_request_id(),
        etag=etag,
        validate_only=validate_only,
    )
    return _of_runs("ResumeRun", request, _run_of, COMPILE_TIMEOUT_SECONDS)


def retry_run(run: str, *, request_id: str, validate_only: bool) -> Call[Run]:
    """A new run of the same plan."""
    request = run_service_pb2.RetryRunRequest(
        name=f"runs/{run}", request_id=request_id or _new_request_id(), validate_only=validate_only
    )
    return _of_runs("RetryRun", request, _run_of)


def list_events(token: str, *, run: str, after: int, kinds: Sequence[str], step: str) -> Call[Page[RunEvent]]:
    """A page of a run's log."""
    request = run_service_pb2.ListRunEventsRequest(
        parent=f"runs/{run}", page_size=_EVENT_PAGE, page_token=token, after_sequence=after, kinds=kinds, step=step
    )
    return _of_runs("ListRunEvents", request, lambda answer: _page(answer.events, wire.run_event, answer))


def list_points(token: str, *, run: str, step: str) -> Call[Page[Point]]:
    """A page of what trainings of a run said of themselves."""
    request = run_service_pb2.ListRunPointsRequest(
        parent=f"runs/{run}", page_size=_POINT_PAGE, page_token=token, step=step
    )
    return _of_runs("ListRunPoints", request, lambda answer: _page(answer.points, wire.point, answer))


def get_artifact(digest: str) -> Call[Artifact]:
    """An artifact by its digest or the beginning of it."""
    return Call(
        stub=artifact_service_pb2_grpc.ArtifactServiceStub,
        method="GetArtifact",
        request=artifact_service_pb2.GetArtifactRequest(name=f"artifacts/{digest.removeprefix('sha256:')}"),
        read=lambda answer: wire.artifact(answer.artifact),
    )


def list_artifacts(
    token: str, *, run: str, role: str, spec_name: str, kind: str, step_digest: str
) -> Call[Page[Artifact]]:
    """A page of artifacts."""
    return Call(
        stub=artifact_service_pb2_grpc.ArtifactServiceStub,
        method="ListArtifacts",
        request=artifact_service_pb2.ListArtifactsRequest(
            page_token=token,
            run=f"runs/{run}" if run else "",
            role=role,
            spec_name=spec_name,
            kind=kind,
            step_digest=step_digest,
        ),
        read=lambda answer: _page(answer.artifacts, wire.artifact, answer),
    )


def list_deployments(token: str, *, ended: bool, spec_name: str, states: Sequence[str]) -> Call[Page[Deployment]]:
    """A page of deployments."""
    request = deployment_service_pb2.ListDeploymentsRequest(
        page_token=token,
        show_ended=ended,
        spec_name=spec_name,
        states=[wire.deployment_state(word) for word in states],
    )
    return _of_deployments(
        "ListDeployments", request, lambda answer: _page(answer.deployments, wire.deployment, answer)
    )


def get_deployment(deployment: str) -> Call[Deployment]:
    """The newest revision of a deployment."""
    request = deployment_service_pb2.GetDeploymentRequest(name=f"deployments/{deployment}")
    return _of_deployments("GetDeployment", request, lambda answer: wire.deployment(answer.deployment))


def stop_deployment(deployment: str, *, mode: str, request_id: str, etag: str, validate_only: bool) -> Call[Deployment]:
    """A deployment that is to stop."""
    request = deployment_service_pb2.StopDeploymentRequest(
        name=f"deployments/{deployment}",
        mode=_CANCEL_MODES[mode],
        request_id=request_id or _new_request_id(),
        etag=etag,
        validate_only=validate_only,
    )
    return _of_deployments("StopDeployment", request, lambda answer: wire.deployment(answer.deployment))


def collect_garbage(*, validate_only: bool) -> Call[Collection]:
    """What nothing keeps; collecting twice is collecting once."""
    return Call(
        stub=keeping_service_pb2_grpc.KeepingServiceStub,
        method="CollectGarbage",
        request=keeping_service_pb2.CollectGarbageRequest(validate_only=validate_only),
        read=wire.collection,
        timeout_seconds=COLLECT_TIMEOUT_SECONDS,
    )


def create_hold(subject: str, *, reason: str) -> Call[Hold]:
    """A hold; what is held already stays held as it is."""
    request = keeping_service_pb2.CreateHoldRequest(subject=subject, reason=reason)
    return Call(stub=keeping_service_pb2_grpc.KeepingServiceStub, method="CreateHold", request=request, read=_hold_of)


def release_hold(subject: str, *, reason: str) -> Call[Hold]:
    """The end of a hold. Sent again it would find none."""
    request = keeping_service_pb2.ReleaseHoldRequest(subject=subject, reason=reason)
    return Call(
        stub=keeping_service_pb2_grpc.KeepingServiceStub,
        method="ReleaseHold",
        request=request,
        read=_hold_of,
        repeatable=False,
    )


def list_holds(token: str, *, released: bool) -> Call[Page[Hold]]:
    """A page of holds."""
    return Call(
        stub=keeping_service_pb2_grpc.KeepingServiceStub,
        method="ListHolds",
        request=keeping_service_pb2.ListHoldsRequest(page_token=token, show_released=released),
        read=lambda answer: _page(answer.holds, wire.hold, answer),
    )


def server_info(timeout_seconds: float) -> Call[ServerInfo]:
    """Who answers."""
    return Call(
        stub=server_service_pb2_grpc.ServerServiceStub,
        method="GetServerInfo",
        request=server_service_pb2.GetServerInfoRequest(),
        read=wire.server_info,
        timeout_seconds=timeout_seconds,
    )


def shutdown() -> Call[None]:
    """The end of the daemon. Sent again it might end the next one."""
    return Call(
        stub=server_service_pb2_grpc.ServerServiceStub,
        method="Shutdown",
        request=server_service_pb2.ShutdownRequest(),
        read=lambda _: None,
        repeatable=False,
    )


def in_project(request: Any, project: str) -> Any:
    """Return the request in a project, where it can be in one and names none itself."""
    place = request.source if "source" in request.DESCRIPTOR.fields_by_name else request
    if project and "project" in place.DESCRIPTOR.fields_by_name and not place.project:
        place.project = project
    return request


def _new_request_id() -> str:
    """With an id of its own every request may be sent again."""
    return uuid4().hex


def _of_runs(
    method: str, request: Any, read: Callable[[Any], Answer], timeout_seconds: float = TIMEOUT_SECONDS
) -> Call[Answer]:
    stub = run_service_pb2_grpc.RunServiceStub
    return Call(stub=stub, method=method, request=request, read=read, timeout_seconds=timeout_seconds)


def _of_deployments(method: str, request: Any, read: Callable[[Any], Answer]) -> Call[Answer]:
    stub = deployment_service_pb2_grpc.DeploymentServiceStub
    return Call(stub=stub, method=method, request=request, read=read)


def _hold_of(answer: Any) -> Hold:
    return wire.hold(answer.hold)


def _run_of(answer: Any) -> Run:
    return wire.run(answer.run)


def _page(messages: Any, read: Callable[[Any], Item], answer: Any) -> Page[Item]:
    return [read(message) for message in messages], answer.next_page_token
