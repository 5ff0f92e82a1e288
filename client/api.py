"""The typed client: one method an rpc, values in and out, two errors. Importing it costs what gRPC costs; `values` and
`errors` are free.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Any, TypeVar

import grpc
from google.rpc.error_details_pb2 import ErrorInfo  # type: ignore[import-untyped]
from grpc_status import rpc_status

from tunewright.client import wire
from tunewright.client.errors import RefusedError, UnreachableError
from tunewright.client.values import (
    Artifact,
    Compiled,
    CreatedRun,
    Deployment,
    Diagnostic,
    LogChunk,
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
    diagnostic_pb2,
    log_service_pb2,
    log_service_pb2_grpc,
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
_CLOSE_SECONDS = 1.0
_PAUSE_SECONDS = 0.05
_OPTIONS = (
    ("grpc.max_receive_message_length", 64 * 1024 * 1024),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    # A proxy from the environment is for the web, not for a daemon on this machine.
    ("grpc.enable_http_proxy", 0),
)
_CANCEL_MODES = {"graceful": run_service_pb2.CANCEL_MODE_GRACEFUL, "now": run_service_pb2.CANCEL_MODE_NOW}
_LOG_STREAMS = {"stdout": log_service_pb2.LOG_STREAM_STDOUT, "stderr": log_service_pb2.LOG_STREAM_STDERR}

Answer = TypeVar("Answer")


def connect(target: str) -> "Client":
    """Return a client for `unix:/path/daemon.sock` or `127.0.0.1:port`. Nothing is sent before the first call."""
    return Client(target)


class Client:
    """Calls one daemon. Methods raise UnreachableError when nobody answers and RefusedError when the daemon says no."""

    def __init__(self, target: str) -> None:
        self.target = target
        self._channel = grpc.insecure_channel(target, options=_OPTIONS)
        self._specs = spec_service_pb2_grpc.SpecServiceStub(self._channel)
        self._runs = run_service_pb2_grpc.RunServiceStub(self._channel)
        self._logs = log_service_pb2_grpc.LogServiceStub(self._channel)
        self._artifacts = artifact_service_pb2_grpc.ArtifactServiceStub(self._channel)
        self._deployments = deployment_service_pb2_grpc.DeploymentServiceStub(self._channel)
        self._server = server_service_pb2_grpc.ServerServiceStub(self._channel)

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; open iterators end with an error.

        Waits for a moment only: a Ctrl-C inside of gRPC can leave a call that nobody ends, and `close` waits for it.
        """
        closing = threading.Thread(target=self._channel.close, daemon=True)
        closing.start()
        closing.join(_CLOSE_SECONDS)

    # Specs

    def check(self, source: SpecSource) -> tuple[Diagnostic, ...]:
        """Return everything that is wrong with a spec, by the daemon's own facts."""
        request = spec_service_pb2.CheckSpecRequest(source=wire.source_message(source))
        answer = self._call(self._specs.CheckSpec, request, COMPILE_TIMEOUT_SECONDS)
        return tuple(wire.diagnostic(item) for item in answer.diagnostics)

    def compile(self, source: SpecSource) -> Compiled:
        """Return the plan of a spec and what a run would do; no plan where there are errors."""
        request = spec_service_pb2.CompileSpecRequest(source=wire.source_message(source))
        return wire.compiled(self._call(self._specs.CompileSpec, request, COMPILE_TIMEOUT_SECONDS))

    # Runs

    def create_run(
        self, source: SpecSource, *, request_id: str = "", validate_only: bool = False, expected_plan_digest: str = ""
    ) -> CreatedRun:
        """Start a run. The same `request_id` with the same spec answers the same run, so a lost answer may be asked for
        again.
        """
        request = run_service_pb2.CreateRunRequest(
            source=wire.source_message(source),
            request_id=request_id,
            validate_only=validate_only,
            expected_plan_digest=expected_plan_digest,
        )
        return wire.created_run(self._call(self._runs.CreateRun, request, COMPILE_TIMEOUT_SECONDS))

    def get_run(self, run: str) -> RunDetail:
        """Return a run with its plan and spec text."""
        return wire.run_detail(self._call(self._runs.GetRun, run_service_pb2.GetRunRequest(name=f"runs/{run}")))

    def list_runs(self, *, spec_name: str = "", active_only: bool = False) -> Iterator[Run]:
        """Yield runs, newest first, page by page as they are asked for."""

        def page(token: str) -> tuple[list[Run], str]:
            request = run_service_pb2.ListRunsRequest(page_token=token, spec_name=spec_name, active_only=active_only)
            answer = self._call(self._runs.ListRuns, request)
            return [wire.run(item) for item in answer.runs], answer.next_page_token

        return _pages(page)

    def cancel(self, run: str, *, mode: str = "graceful", reason: str = "") -> Run:
        """Ask a run to stop; `mode` is `graceful` or `now`. A finished run is answered as it is."""
        request = run_service_pb2.CancelRunRequest(name=f"runs/{run}", mode=_CANCEL_MODES[mode], reason=reason)
        return wire.run(self._call(self._runs.CancelRun, request).run)

    def pause(self, run: str, *, by: str = "", reason: str = "") -> Run:
        """Ask a run to pause: nothing new begins, training stops at its next step with a checkpoint."""
        request = run_service_pb2.PauseRunRequest(name=f"runs/{run}", by=by, reason=reason)
        return wire.run(self._call(self._runs.PauseRun, request).run)

    def resume(
        self,
        run: str,
        *,
        step: str = "",
        sets: Sequence[str] = (),
        by: str = "",
        reason: str = "",
        request_id: str = "",
    ) -> Run:
        """Let a paused run go on; with `sets` (`learning_rate=5e-5`) a training step goes on changed, in a new run."""
        request = run_service_pb2.ResumeRunRequest(
            name=f"runs/{run}", step=step, sets=sets, by=by, reason=reason, request_id=request_id
        )
        return wire.run(self._call(self._runs.ResumeRun, request, COMPILE_TIMEOUT_SECONDS).run)

    def retry(self, run: str, *, request_id: str = "") -> Run:
        """Start a new run of the same sealed plan; what succeeded is reused."""
        request = run_service_pb2.RetryRunRequest(name=f"runs/{run}", request_id=request_id)
        return wire.run(self._call(self._runs.RetryRun, request).run)

    def watch(self, run: str, after: int = 0, *, patience_seconds: float = 60.0) -> Iterator[RunEvent]:
        """Yield the run's events after sequence `after`, in order and without gaps, until the run has ended.

        Goes on by itself where it was when the daemon restarts; raises UnreachableError when none answers for
        `patience_seconds`.
        """
        last = after

        def open_stream() -> Any:
            return self._runs.WatchRun(run_service_pb2.WatchRunRequest(name=f"runs/{run}", after_sequence=last))

        for answer in self._resumed(open_stream, patience_seconds):
            for item in answer.events:
                last = item.sequence
                yield wire.run_event(item)

    def list_events(self, run: str) -> Iterator[RunEvent]:
        """Yield the events that are stored now, oldest first."""

        def page(token: str) -> tuple[list[RunEvent], str]:
            request = run_service_pb2.ListRunEventsRequest(parent=f"runs/{run}", page_size=1000, page_token=token)
            answer = self._call(self._runs.ListRunEvents, request)
            return [wire.run_event(item) for item in answer.events], answer.next_page_token

        return _pages(page)

    # What runs leave behind

    def logs(
        self, run: str, step: str, *, attempt: int = 0, stream: str = "stderr", offset: int = 0, follow: bool = False
    ) -> Iterator[LogChunk]:
        """Yield a step's log from byte `offset` (negative: from the end); `stream` is `stdout` or `stderr`, attempt 0
        the last one.

        With `follow` it ends when the attempt does. The bytes are the runner's: escape control characters before
        drawing them.
        """
        position = offset

        def open_stream() -> Any:
            request = log_service_pb2.ReadLogsRequest(
                name=f"runs/{run}/steps/{step}",
                attempt=attempt,
                stream=_LOG_STREAMS[stream],
                offset=position,
                follow=follow,
            )
            return self._logs.ReadLogs(request)

        for answer in self._resumed(open_stream, 60.0 if follow else 0.0):
            position = answer.next_offset
            if answer.data:
                yield LogChunk(data=answer.data, next_offset=answer.next_offset)

    def get_artifact(self, digest: str) -> Artifact:
        """Return an artifact by its digest or a unique beginning of it (6 characters or more)."""
        name = f"artifacts/{digest.removeprefix('sha256:')}"
        request = artifact_service_pb2.GetArtifactRequest(name=name)
        return wire.artifact(self._call(self._artifacts.GetArtifact, request).artifact)

    def artifacts(self, *, run: str = "", role: str = "", spec_name: str = "") -> Iterator[Artifact]:
        """Yield artifacts, newest first."""

        def page(token: str) -> tuple[list[Artifact], str]:
            request = artifact_service_pb2.ListArtifactsRequest(
                page_token=token, run=f"runs/{run}" if run else "", role=role, spec_name=spec_name
            )
            answer = self._call(self._artifacts.ListArtifacts, request)
            return [wire.artifact(item) for item in answer.artifacts], answer.next_page_token

        return _pages(page)

    # Deployments

    def deployments(self, *, ended: bool = False) -> Iterator[Deployment]:
        """Yield deployments, newest first; with `ended` also those that are over."""

        def page(token: str) -> tuple[list[Deployment], str]:
            request = deployment_service_pb2.ListDeploymentsRequest(page_token=token, show_ended=ended)
            answer = self._call(self._deployments.ListDeployments, request)
            return [wire.deployment(item) for item in answer.deployments], answer.next_page_token

        return _pages(page)

    def get_deployment(self, deployment: str) -> Deployment:
        """Return the newest revision of a deployment."""
        request = deployment_service_pb2.GetDeploymentRequest(name=f"deployments/{deployment}")
        return wire.deployment(self._call(self._deployments.GetDeployment, request).deployment)

    def stop_deployment(self, deployment: str, *, mode: str = "graceful") -> Deployment:
        """Ask a deployment to stop."""
        request = deployment_service_pb2.StopDeploymentRequest(
            name=f"deployments/{deployment}", mode=_CANCEL_MODES[mode]
        )
        return wire.deployment(self._call(self._deployments.StopDeployment, request).deployment)

    # The daemon

    def server_info(self, *, timeout_seconds: float = TIMEOUT_SECONDS) -> ServerInfo:
        """Return who answers; a short timeout makes it a probe."""
        request = server_service_pb2.GetServerInfoRequest()
        return wire.server_info(self._call(self._server.GetServerInfo, request, timeout_seconds))

    def shutdown(self) -> None:
        """Ask the daemon to end (over its Unix socket only); runs and deployments go on without it."""
        self._call(self._server.Shutdown, server_service_pb2.ShutdownRequest())

    def _call(self, method: Callable[..., Answer], request: Any, timeout_seconds: float = TIMEOUT_SECONDS) -> Answer:
        try:
            return method(request, timeout=timeout_seconds)
        except grpc.RpcError as error:
            raise self._translated(error) from error

    def _resumed(self, open_stream: Callable[[], Any], patience_seconds: float) -> Iterator[Any]:
        """Yield a stream's answers; open it again where it was when the daemon went away, as long as somebody answers
        in time.
        """
        while True:
            try:
                yield from open_stream()
            except grpc.RpcError as error:
                if error.code() is not grpc.StatusCode.UNAVAILABLE or not self._comes_back(patience_seconds):
                    raise self._translated(error) from error
            else:
                return

    def _comes_back(self, patience_seconds: float) -> bool:
        # A daemon that is going away still answers for a moment.
        time.sleep(min(_PAUSE_SECONDS, patience_seconds))
        try:
            grpc.channel_ready_future(self._channel).result(timeout=patience_seconds)
        except grpc.FutureTimeoutError:
            return False
        return True

    def _translated(self, error: Any) -> UnreachableError | RefusedError:
        status = rpc_status.from_call(error)
        code, message = error.code(), error.details() or ""
        info, diagnostics = ErrorInfo(), diagnostic_pb2.SpecDiagnostics()
        for detail in status.details if status is not None else ():
            if not detail.Unpack(info):
                detail.Unpack(diagnostics)
        if code is grpc.StatusCode.UNAVAILABLE or (code is grpc.StatusCode.DEADLINE_EXCEEDED and not info.reason):
            return UnreachableError(f"no Tunewright daemon answers at {self.target} ({message})", target=self.target)
        return RefusedError(
            message,
            code=code.name.lower(),
            reason=info.reason or code.name,
            metadata=info.metadata,
            diagnostics=[wire.diagnostic(item) for item in diagnostics.diagnostics],
        )


def _pages(page: Callable[[str], tuple[list[Answer], str]]) -> Iterator[Answer]:
    token = ""
    while True:
        items, token = page(token)
        yield from items
        if not token:
            return
