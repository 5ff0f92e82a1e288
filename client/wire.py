"""From generated messages to the client's values, and back for what is sent."""

import json
from datetime import UTC, datetime
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from tunewright.client import values
from tunewright.client.machine_values import Maintenance
from tunewright.proto.v1 import (
    artifact_pb2,
    deployment_pb2,
    diagnostic_pb2,
    keeping_service_pb2,
    run_pb2,
    run_service_pb2,
    server_service_pb2,
    spec_pb2,
    spec_service_pb2,
)


def source_message(source: values.SpecSource) -> spec_pb2.SpecSource:
    """Return the message for a spec."""
    return spec_pb2.SpecSource(
        text=source.text,
        path=source.path,
        base_directory=source.base_directory,
        profile=source.profile,
        sets=source.sets,
        variables=source.variables,
        lock=source.lock,
        lock_path=source.lock_path,
        locked=source.locked,
        project=source.project,
    )


def diagnostic(message: diagnostic_pb2.Diagnostic) -> values.Diagnostic:
    """Return the value of a diagnostic."""
    return values.Diagnostic(
        code=message.code,
        name=message.name,
        severity=_word(diagnostic_pb2.Severity, message.severity, "SEVERITY_"),
        message=message.message,
        span=_span(message.span) if message.HasField("span") else None,
        labels=tuple(values.Label(span=_span(item.span), message=item.message) for item in message.labels),
        help=message.help,
        note=message.note,
        edits=tuple(values.Edit(span=_span(item.span), replacement=item.replacement) for item in message.edits),
    )


def step_action(message: spec_pb2.StepAction) -> values.StepAction:
    """Return the value of a step's action."""
    return values.StepAction(step=message.step, action=_action(message.action), because=message.because)


def compiled(message: spec_service_pb2.CompileSpecResponse) -> values.Compiled:
    """Return the value of a compilation."""
    return values.Compiled(
        diagnostics=tuple(diagnostic(item) for item in message.diagnostics),
        plan=json.loads(message.plan_json) if message.plan_json else None,
        plan_digest=message.plan_digest,
        actions=tuple(step_action(item) for item in message.actions),
    )


def run(message: run_pb2.Run) -> values.Run:
    """Return the value of a run."""
    return values.Run(
        id=_identifier(message.name),
        spec_name=message.spec_name,
        spec_path=message.spec_path,
        profile=message.profile,
        sets=tuple(message.sets),
        plan_digest=message.plan_digest,
        state=_word(run_pb2.RunState, message.state, "RUN_STATE_"),
        steps=tuple(_run_step(item) for item in message.steps),
        failure=_failure(message),
        retry_of=_identifier(message.retry_of),
        last_sequence=message.last_sequence,
        etag=message.etag,
        create_time=time_of(message, "create_time"),
        start_time=time_of(message, "start_time"),
        end_time=time_of(message, "end_time"),
        project=message.project,
        actor=message.actor,
        policy_digest=message.policy_digest,
        priority=message.priority,
        preemptible=message.preemptible,
    )


def run_detail(message: run_service_pb2.GetRunResponse) -> values.RunDetail:
    """Return the value of a run with its plan."""
    return values.RunDetail(run=run(message.run), plan=json.loads(message.plan_json), spec_text=message.spec_text)


def created_run(message: run_service_pb2.CreateRunResponse) -> values.CreatedRun:
    """Return the value of a run that was created."""
    return values.CreatedRun(
        run=run(message.run),
        diagnostics=tuple(diagnostic(item) for item in message.diagnostics),
        plan=json.loads(message.plan_json),
        actions=tuple(step_action(item) for item in message.actions),
    )


def timestamp(time: datetime | None) -> Timestamp | None:
    """Return the message of an aware time."""
    if time is None:
        return None
    message = Timestamp()
    message.FromDatetime(time)
    return message


def run_state(word: str) -> run_pb2.RunState.ValueType:
    """Return the number of a run's state; raise ValueError for a word that is none."""
    return run_pb2.RunState.Value(f"RUN_STATE_{word.upper()}")


def deployment_state(word: str) -> deployment_pb2.DeploymentState.ValueType:
    """Return the number of a deployment's state; raise ValueError for a word that is none."""
    return deployment_pb2.DeploymentState.Value(f"DEPLOYMENT_STATE_{word.upper()}")


def run_event(message: run_pb2.RunEvent) -> values.RunEvent:
    """Return the value of an event."""
    return values.RunEvent(
        sequence=message.sequence,
        time=message.time.ToDatetime(tzinfo=UTC),
        step=message.step,
        attempt=message.attempt,
        kind=message.kind,
        body=json.loads(message.body_json),
        actor=message.actor,
    )


def point(message: run_service_pb2.RunPoint) -> values.Point:
    """Return the value of a point."""
    body = json.loads(message.body_json)
    return values.Point(
        step=message.step,
        attempt=message.attempt,
        position=message.position,
        time=message.time.ToDatetime(tzinfo=UTC),
        training_step=body.get("step"),
        values=body.get("values") or {},
    )


def artifact(message: artifact_pb2.Artifact) -> values.Artifact:
    """Return the value of an artifact."""
    return values.Artifact(
        digest=message.digest,
        role=message.role,
        kind=message.kind,
        run=_identifier(message.run),
        step=message.step,
        step_digest=message.step_digest,
        spec_name=message.spec_name,
        size_bytes=message.size_bytes,
        file_count=message.file_count,
        path=message.path,
        intact=message.intact,
        create_time=time_of(message, "create_time"),
    )


def deployment(message: deployment_pb2.Deployment) -> values.Deployment:
    """Return the value of a deployment."""
    return values.Deployment(
        id=_identifier(message.name),
        revision=message.revision,
        spec_name=message.spec_name,
        step=message.step,
        run=_identifier(message.run),
        step_digest=message.step_digest,
        state=_word(deployment_pb2.DeploymentState, message.state, "DEPLOYMENT_STATE_"),
        address=message.address,
        failure=_failure(message),
        create_time=time_of(message, "create_time"),
        end_time=time_of(message, "end_time"),
        etag=message.etag,
    )


def collection(message: keeping_service_pb2.CollectGarbageResponse) -> values.Collection:
    """Return the value of a collection."""
    return values.Collection(
        retention={field.name: getattr(message.retention, field.name) for field in message.retention.DESCRIPTOR.fields},
        garbage=tuple(
            values.Garbage(
                kind=_word(keeping_service_pb2.GarbageKind, item.kind, "GARBAGE_KIND_"),
                subject=item.subject,
                project=item.project,
                size_bytes=item.size_bytes,
                reason=item.reason,
            )
            for item in message.garbage
        ),
        count=message.garbage_count,
        size_bytes=message.size_bytes,
    )


def hold(message: keeping_service_pb2.Hold) -> values.Hold:
    """Return the value of a hold."""
    return values.Hold(
        id=_identifier(message.name),
        subject=message.subject,
        project=message.project,
        reason=message.reason,
        create_time=time_of(message, "create_time"),
        created_by=message.created_by,
        release_time=time_of(message, "release_time"),
        released_by=message.released_by,
        release_reason=message.release_reason,
    )


def server_info(message: server_service_pb2.GetServerInfoResponse) -> values.ServerInfo:
    """Return the value of a daemon's description."""
    return values.ServerInfo(
        version=message.version,
        min_client_version=message.min_client_version,
        capabilities=tuple(message.capabilities),
        home=message.home,
        store_id=message.store_id,
        pid=message.pid,
        private=message.private,
        addresses=tuple(message.addresses),
        active_runs=message.active_runs,
        live_deployments=message.live_deployments,
        start_time=time_of(message, "start_time"),
        maintenance=maintenance(message.maintenance) if message.HasField("maintenance") else None,
        steps_limited=message.step_limits.enforced,
        limits_reason=message.step_limits.reason,
    )


def maintenance(message: server_service_pb2.Maintenance) -> Maintenance:
    """Return the value of a maintenance."""
    return Maintenance(
        reason=message.reason,
        checkpoint=message.checkpoint,
        deadline=time_of(message, "deadline"),
        begin_time=time_of(message, "begin_time"),
        begun_by=message.begun_by,
        running_steps=message.running_steps,
    )


def waiting(message: run_pb2.Waiting) -> values.Waiting:
    """Return the value of why a step waits."""
    return values.Waiting(
        reason=message.reason,
        message=message.message,
        position=message.position,
        behind=_identifier(message.behind),
    )


def _run_step(message: run_pb2.RunStep) -> values.RunStep:
    return values.RunStep(
        step=message.step,
        verb=message.verb,
        kind=message.kind,
        summary=message.summary,
        needs=tuple(message.needs),
        state=_word(run_pb2.StepState, message.state, "STEP_STATE_"),
        action=_action(message.action),
        because=message.because,
        digest=message.digest,
        attempt=message.attempt,
        artifact=message.artifact,
        reused_from=_identifier(message.reused_from),
        failure=_failure(message),
        verdict=_verdict(message.verdict) if message.HasField("verdict") else None,
        address=message.address,
        start_time=time_of(message, "start_time"),
        end_time=time_of(message, "end_time"),
        waiting=waiting(message.waiting) if message.HasField("waiting") else None,
    )


def _verdict(message: run_pb2.Verdict) -> values.Verdict:
    requirements = tuple(
        values.Requirement(written=item.written, evaluated=item.evaluated, passed=item.passed)
        for item in message.requirements
    )
    return values.Verdict(passed=message.passed, requirements=requirements)


def _failure(message: run_pb2.Run | run_pb2.RunStep | deployment_pb2.Deployment) -> values.Failure | None:
    if not message.HasField("failure"):
        return None
    failure = message.failure
    return values.Failure(reason=failure.reason, message=failure.message, help=failure.help, step=failure.step)


def _span(message: diagnostic_pb2.Span) -> values.Span:
    return values.Span(
        path=message.path,
        start_line=message.start_line,
        start_column=message.start_column,
        end_line=message.end_line,
        end_column=message.end_column,
    )


def _identifier(name: str) -> str:
    """`runs/20261121-224501-7f3a` is known to people by its last part."""
    return name.rpartition("/")[2]


def _action(number: Any) -> str:
    return _word(spec_pb2.Action, number, "ACTION_")


def _word(enum: Any, number: int, prefix: str) -> str:
    """A number that this client does not know yet stays a number."""
    try:
        return str(enum.Name(number)).removeprefix(prefix).lower()
    except ValueError:
        return str(number)


def time_of(message: Any, field: str) -> datetime | None:
    """Return a time of a message, None where it has none."""
    if not message.HasField(field):
        return None
    stamp: Timestamp = getattr(message, field)
    return stamp.ToDatetime(tzinfo=UTC)
