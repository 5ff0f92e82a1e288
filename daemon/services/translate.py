"""From the daemon's records to generated messages."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from tunewright.compiler.ir.difference import StepAction
from tunewright.daemon.clock import Milliseconds
from tunewright.daemon.engine.points import Point
from tunewright.daemon.engine.states import Failure, RunRecord, StepRecord, Verdict
from tunewright.daemon.queue.words import Reason
from tunewright.daemon.store.artifacts import ArtifactRecord
from tunewright.daemon.store.deployments import DeploymentRecord
from tunewright.daemon.store.events import StoredEvent
from tunewright.proto.v1 import artifact_pb2, deployment_pb2, diagnostic_pb2, run_pb2, run_service_pb2, spec_pb2
from tunewright.spec.diagnostics import Diagnostic
from tunewright.spec.source import Position, Span

NO_REASONS: Mapping[str, Reason] = MappingProxyType({})


def run(record: RunRecord, reasons: Mapping[str, Reason] = NO_REASONS) -> run_pb2.Run:
    """Return the message of a run; `reasons` say of its steps why they wait."""
    return run_pb2.Run(
        name=f"runs/{record.id}" if record.id else "",
        spec_name=record.spec_name,
        spec_path=record.spec_path,
        profile=record.profile,
        sets=record.sets,
        plan_digest=record.plan_digest,
        state=run_pb2.RunState.Value(f"RUN_STATE_{record.state.upper()}"),
        steps=[_step(record.id, step, reasons.get(step.name)) for step in record.steps],
        failure=_failure(record.failure),
        retry_of=f"runs/{record.retry_of}" if record.retry_of else "",
        project=record.project,
        actor=record.actor,
        policy_digest=record.policy_digest,
        priority=record.priority,
        preemptible=record.preemptible,
        last_sequence=record.last_sequence,
        etag=str(record.version),
        create_time=_time(record.create_time),
        start_time=_time(record.start_time),
        end_time=_time(record.end_time),
    )


def add_events(events: Any, records: Iterable[StoredEvent]) -> None:
    """Add log entries to a message's field. No kind of this version stops a client that does not know it."""
    add = events.add
    for sequence, moment, step, attempt, kind, body, actor in records:
        message = add(
            sequence=sequence, step=step, attempt=attempt, kind=kind, body_json=body, ignorable=True, actor=actor
        )
        message.time.seconds, rest = divmod(moment, 1000)
        message.time.nanos = rest * 1_000_000


def point(value: Point) -> run_service_pb2.RunPoint:
    """Return the message of a point of training."""
    return run_service_pb2.RunPoint(
        step=value.step,
        attempt=value.attempt,
        position=value.position,
        time=time(value.time),
        body_json=value.body,
    )


def action(value: StepAction) -> spec_pb2.StepAction:
    """Return the message of a step's action."""
    return spec_pb2.StepAction(step=value.step, action=_action(value.action), because=value.because)


def artifact(record: ArtifactRecord, path: str, *, intact: bool) -> artifact_pb2.Artifact:
    """Return the message of an artifact whose folder is `path`."""
    return artifact_pb2.Artifact(
        name=f"artifacts/{record.digest.removeprefix('sha256:')}",
        digest=record.digest,
        role=record.role,
        kind=record.kind,
        project=record.project,
        run=f"runs/{record.run}",
        step=record.step,
        step_digest=record.step_digest,
        spec_name=record.spec_name,
        size_bytes=record.size_bytes,
        file_count=record.file_count,
        path=path,
        intact=intact,
        create_time=_time(record.create_time),
    )


def deployment(record: DeploymentRecord) -> deployment_pb2.Deployment:
    """Return the message of a deployment."""
    return deployment_pb2.Deployment(
        name=f"deployments/{record.name}",
        revision=record.revision,
        project=record.project,
        spec_name=record.spec_name,
        step=record.step,
        run=f"runs/{record.run}",
        step_digest=record.step_digest,
        state=deployment_pb2.DeploymentState.Value(f"DEPLOYMENT_STATE_{record.state.upper()}"),
        address=record.address,
        failure=_failure(record.failure),
        create_time=_time(record.create_time),
        end_time=_time(record.end_time),
        etag=record.etag,
    )


def diagnostic(value: Diagnostic) -> diagnostic_pb2.Diagnostic:
    """Return the message of a diagnostic. The text beside its own span goes in as the first label."""
    own = value.primary
    labels = [own, *value.labels] if own.text else list(value.labels)
    edits = [] if value.edit is None else [value.edit]
    return diagnostic_pb2.Diagnostic(
        code=value.code,
        name=value.name,
        severity=diagnostic_pb2.Severity.Value(f"SEVERITY_{value.severity.name}"),
        message=value.message,
        span=_span(own.span),
        labels=[diagnostic_pb2.Label(span=_span(label.span), message=label.text) for label in labels],
        help=value.help or "",
        note="\n".join(value.notes),
        edits=[diagnostic_pb2.Edit(span=_span(edit.span), replacement=edit.replacement) for edit in edits],
    )


def time(value: Milliseconds) -> Timestamp:
    """Return the message of a time."""
    seconds, rest = divmod(value, 1000)
    return Timestamp(seconds=seconds, nanos=rest * 1_000_000)


def waiting(reason: Reason) -> run_pb2.Waiting:
    """Return the message of why a step waits."""
    return run_pb2.Waiting(
        reason=reason.reason,
        message=reason.message,
        position=reason.position,
        behind=f"runs/{reason.behind}" if reason.behind else "",
    )


def _step(run_id: str, record: StepRecord, reason: Reason | None) -> run_pb2.RunStep:
    return run_pb2.RunStep(
        name=f"runs/{run_id}/steps/{record.name}" if run_id else "",
        step=record.name,
        verb=record.verb,
        kind=record.kind,
        summary=record.summary,
        needs=record.needs,
        state=run_pb2.StepState.Value(f"STEP_STATE_{record.state.upper()}"),
        action=_action(record.action),
        because=record.because,
        digest=record.digest,
        attempt=record.attempt,
        artifact=record.artifact or "",
        reused_from=f"runs/{record.reused_from}" if record.reused_from else "",
        failure=_failure(record.failure),
        verdict=_verdict(record.verdict),
        address=record.address or "",
        start_time=_time(record.start_time),
        end_time=_time(record.end_time),
        waiting=None if reason is None else waiting(reason),
    )


def _verdict(value: Verdict | None) -> run_pb2.Verdict | None:
    if value is None:
        return None
    requirements = [
        run_pb2.Requirement(written=item.written, evaluated=item.evaluated, passed=item.passed)
        for item in value.requirements
    ]
    return run_pb2.Verdict(passed=value.passed, requirements=requirements)


def _failure(value: Failure | None) -> run_pb2.Failure | None:
    if value is None:
        return None
    return run_pb2.Failure(reason=value.reason, message=value.message, help=value.help, step=value.step)


def _action(word: str) -> spec_pb2.Action.ValueType:
    return spec_pb2.Action.Value(f"ACTION_{word.upper()}")


def _time(value: Milliseconds | None) -> Timestamp | None:
    return None if value is None else time(value)


def _span(span: Span) -> diagnostic_pb2.Span:
    begin, finish = span.begin, span.finish
    return diagnostic_pb2.Span(
        path=span.source.name,
        start_line=begin.line,
        start_column=_utf16_column(span, begin),
        end_line=finish.line,
        end_column=_utf16_column(span, finish),
    )


def _utf16_column(span: Span, position: Position) -> int:
    before = span.source.line_text(position.line)[: position.column - 1]
    return len(before.encode("utf-16-le", "surrogatepass")) // 2 + 1
