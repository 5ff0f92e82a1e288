"""The typed client: one method an rpc, values in and out, two errors. Importing it costs what gRPC costs; `values` and
`errors` are free. `aio` has the same client for event loops.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, TypeVar

import grpc

from tunewright.client import access_calls, alert_calls, calls, machine_calls, queue_calls
from tunewright.client.access_values import AccessEvent, Blocked, Grant, Identity, Token
from tunewright.client.alert_values import Alert, AlertSink
from tunewright.client.calls import TIMEOUT_SECONDS, Call, in_project
from tunewright.client.channel import open_channel
from tunewright.client.credentials import NO_CREDENTIALS, Credentials
from tunewright.client.machine_values import Device, MachineEvent, Maintenance
from tunewright.client.queue_values import Queue
from tunewright.client.streams import Log, Watch
from tunewright.client.troubles import Persistence, passes, translated
from tunewright.client.values import (
    Artifact,
    Collection,
    Compiled,
    CreatedRun,
    Deployment,
    Diagnostic,
    Hold,
    LogChunk,
    Point,
    Run,
    RunDetail,
    RunEvent,
    ServerInfo,
    SpecSource,
)

#: How long calls are tried again, and streams opened again, while a daemon that has answered before does not.
PATIENCE_SECONDS = 60.0
_CLOSE_SECONDS = 1.0
_PAUSE_SECONDS = 0.05

Answer = TypeVar("Answer")


def connect(
    target: str,
    *,
    credentials: Credentials = NO_CREDENTIALS,
    project: str = "",
    patience_seconds: float = PATIENCE_SECONDS,
) -> "Client":
    """Return a client for `unix:/path/daemon.sock`, `127.0.0.1:port` or, with credentials, `host:port`.

    `project` is the one that runs are created and lists are read in; empty leaves it to the daemon. Nothing is sent
    before the first call.
    """
    return Client(target, credentials=credentials, project=project, patience_seconds=patience_seconds)


class Client:
    """Calls one daemon. Methods raise UnreachableError when nobody answers and RefusedError when the daemon says no.

    A daemon that has answered before and is gone (it restarts) is waited for, `patience_seconds` at most; a call that
    may have been carried out is sent again only where that does no harm. Requests get an id of their own for that.
    """

    def __init__(
        self,
        target: str,
        *,
        credentials: Credentials = NO_CREDENTIALS,
        project: str = "",
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self.target, self.project = target, project
        self._credentials = credentials
        self._patience_seconds = patience_seconds
        self._channel = open_channel(target, credentials)
        self._met = False

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
        return self._call(calls.check(source))

    def compile(self, source: SpecSource) -> Compiled:
        """Return the plan of a spec and what a run would do; no plan where there are errors."""
        return self._call(calls.compile_spec(source))

    # Runs

    def create_run(
        self,
        source: SpecSource,
        *,
        request_id: str = "",
        validate_only: bool = False,
        expected_plan_digest: str = "",
        priority: int = 0,
        preemptible: bool = True,
    ) -> CreatedRun:
        """Start a run. The same `request_id` with the same spec answers the same run, so a lost answer may be asked for
        again; without one the client makes one up. `priority` is -1000 to 1000 (low -100, high 100, urgent 200);
        `preemptible` training makes room, at a checkpoint, for runs of a higher one.
        """
        return self._call(
            calls.create_run(
                source,
                request_id=request_id,
                validate_only=validate_only,
                expected_plan_digest=expected_plan_digest,
                priority=priority,
                preemptible=preemptible,
            )
        )

    def get_run(self, run: str) -> RunDetail:
        """Return a run with its plan and spec text."""
        return self._call(calls.get_run(run))

    def list_runs(
        self,
        *,
        spec_name: str = "",
        active_only: bool = False,
        states: Sequence[str] = (),
        create_after: datetime | None = None,
        create_before: datetime | None = None,
    ) -> Iterator[Run]:
        """Yield runs, newest first, page by page as they are asked for: all, or those of a spec, of some states, of a
        time (aware; `create_after` is included, `create_before` is not).
        """
        return self._pages(
            lambda token: calls.list_runs(
                token,
                spec_name=spec_name,
                active_only=active_only,
                states=states,
                create_after=create_after,
                create_before=create_before,
            )
        )

    def cancel(
        self,
        run: str,
        *,
        mode: str = "graceful",
        reason: str = "",
        request_id: str = "",
        etag: str = "",
        validate_only: bool = False,
    ) -> Run:
        """Ask a run to stop; `mode` is `graceful` or `now`. A finished run is answered as it is."""
        return self._call(
            calls.cancel_run(
                run, mode=mode, reason=reason, request_id=request_id, etag=etag, validate_only=validate_only
            )
        )

    def pause(
        self,
        run: str,
        *,
        by: str = "",
        reason: str = "",
        request_id: str = "",
        etag: str = "",
        validate_only: bool = False,
    ) -> Run:
        """Ask a run to pause: nothing new begins, training stops at its next step with a checkpoint."""
        return self._call(
            calls.pause_run(run, by=by, reason=reason, request_id=request_id, etag=etag, validate_only=validate_only)
        )

    def resume(
        self,
        run: str,
        *,
        step: str = "",
        sets: Sequence[str] = (),
        by: str = "",
        reason: str = "",
        request_id: str = "",
        etag: str = "",
        validate_only: bool = False,
    ) -> Run:
        """Let a paused run go on; with `sets` (`learning_rate=5e-5`) a training step goes on changed, in a new run."""
        return self._call(
            calls.resume_run(
                run,
                step=step,
                sets=sets,
                by=by,
                reason=reason,
                request_id=request_id,
                etag=etag,
                validate_only=validate_only,
            )
        )

    def set_priority(
        self,
        run: str,
        priority: int,
        *,
        by: str = "",
        request_id: str = "",
        etag: str = "",
        validate_only: bool = False,
    ) -> Run:
        """Make a run more or less urgent (-1000 to 1000); what runs goes on, what waits changes its place."""
        return self._call(
            calls.set_run_priority(run, priority, by=by, request_id=request_id, etag=etag, validate_only=validate_only)
        )

    def queue(self) -> Queue:
        """Return who waits for the machine, in order and at most a thousand, and who has it."""
        return self._call(queue_calls.list_queue())

    def retry(self, run: str, *, request_id: str = "", validate_only: bool = False) -> Run:
        """Start a new run of the same sealed plan; what succeeded is reused."""
        return self._call(calls.retry_run(run, request_id=request_id, validate_only=validate_only))

    def watch(self, run: str, after: int = 0, *, patience_seconds: float | None = None) -> Iterator[RunEvent]:
        """Yield the run's events after sequence `after`, in order and without gaps, until the run has ended.

        Goes on by itself where it was when the daemon restarts; raises UnreachableError when none answers for
        `patience_seconds`.
        """
        patience = self._patience_seconds if patience_seconds is None else patience_seconds
        return self._followed(Watch(run=run, last=after), patience)

    def list_events(self, run: str, *, after: int = 0, kinds: Sequence[str] = (), step: str = "") -> Iterator[RunEvent]:
        """Yield the events that are stored now, oldest first: all, or those of some kinds, or about a step."""
        return self._pages(lambda token: calls.list_events(token, run=run, after=after, kinds=kinds, step=step))

    # What runs leave behind

    def points(self, run: str, *, step: str = "") -> Iterator[Point]:
        """Yield everything that trainings of a run measured, in the order in which it was read; the log has less."""
        return self._pages(lambda token: calls.list_points(token, run=run, step=step))

    def logs(
        self, run: str, step: str, *, attempt: int = 0, stream: str = "stderr", offset: int = 0, follow: bool = False
    ) -> Iterator[LogChunk]:
        """Yield a step's log from byte `offset` (negative: from the end); `stream` is `stdout` or `stderr`, attempt 0
        the last one.

        With `follow` it ends when the attempt does. The bytes are the runner's: escape control characters before
        drawing them.
        """
        log = Log(run=run, step=step, attempt=attempt, stream=stream, position=offset, follow=follow)
        return self._followed(log, self._patience_seconds if follow else 0.0)

    def get_artifact(self, digest: str) -> Artifact:
        """Return an artifact by its digest or a unique beginning of it (6 characters or more)."""
        return self._call(calls.get_artifact(digest))

    def artifacts(
        self, *, run: str = "", role: str = "", spec_name: str = "", kind: str = "", step_digest: str = ""
    ) -> Iterator[Artifact]:
        """Yield artifacts, newest first."""
        return self._pages(
            lambda token: calls.list_artifacts(
                token, run=run, role=role, spec_name=spec_name, kind=kind, step_digest=step_digest
            )
        )

    # Deployments

    def deployments(
        self, *, ended: bool = False, spec_name: str = "", states: Sequence[str] = ()
    ) -> Iterator[Deployment]:
        """Yield deployments, newest first; with `ended` also those that are over."""
        return self._pages(lambda token: calls.list_deployments(token, ended=ended, spec_name=spec_name, states=states))

    def get_deployment(self, deployment: str) -> Deployment:
        """Return the newest revision of a deployment."""
        return self._call(calls.get_deployment(deployment))

    def stop_deployment(
        self,
        deployment: str,
        *,
        mode: str = "graceful",
        request_id: str = "",
        etag: str = "",
        validate_only: bool = False,
    ) -> Deployment:
        """Ask a deployment to stop."""
        return self._call(
            calls.stop_deployment(deployment, mode=mode, request_id=request_id, etag=etag, validate_only=validate_only)
        )

    # Access

    def who_am_i(self) -> Identity:
        """Return who the daemon takes the caller for."""
        return self._call(access_calls.who_am_i())

    def create_token(
        self, subject: str, grants: Sequence[Grant], *, days: float = 30, certificate: str = ""
    ) -> tuple[Token, str]:
        """Make a token for somebody; return what is stored of it, and its secret, which nobody can see again."""
        return self._call(access_calls.create_token(subject, grants, days=days, certificate=certificate))

    def tokens(self, *, ended: bool = False) -> Iterator[Token]:
        """Yield tokens, newest first; with `ended` also those that are over."""
        return self._pages(lambda token: access_calls.list_tokens(token, ended=ended))

    def revoke_token(self, token: str) -> Token:
        """Revoke a token by its id."""
        return self._call(access_calls.revoke_token(token))

    def block(self, subject: str, *, reason: str = "") -> Blocked:
        """Let nobody of this name in any more."""
        return self._call(access_calls.block(subject, reason=reason))

    def unblock(self, subject: str) -> None:
        """Take a block back."""
        self._call(access_calls.unblock(subject))

    def blocked(self) -> tuple[Blocked, ...]:
        """Return whom nothing lets in."""
        return self._call(access_calls.list_blocked())

    def access_events(self) -> Iterator[AccessEvent]:
        """Yield the log of access, newest first."""
        return self._pages(access_calls.list_access_events)

    # What is kept

    def collect_garbage(self, *, validate_only: bool = False) -> Collection:
        """Remove what the site's retention does not keep; with `validate_only` only say what that would be."""
        return self._call(calls.collect_garbage(validate_only=validate_only))

    def alerts(self, *, states: Sequence[str] = (), run: str = "", sink: str = "") -> Iterator[Alert]:
        """Yield alerts, newest first: those in one of `states`, of a run, to a sink, or all."""
        return self._pages(lambda token: alert_calls.list_alerts(token, states=states, run=run, sink=sink))

    def alert_sinks(self) -> list[AlertSink]:
        """Return the places that alerts can go to."""
        return self._call(alert_calls.list_sinks())

    def retry_alert(self, alert: str) -> Alert:
        """Let an alert that was given up, or waits, be tried now."""
        return self._call(alert_calls.retry_alert(alert))

    def test_alert_sink(self, sink: str) -> Alert:
        """Send a test to a sink and return what came of it."""
        return self._call(alert_calls.test_sink(sink))

    def hold(self, subject: str, *, reason: str) -> Hold:
        """Hold `runs/ID` (with all that it used and left) or `artifacts/HEX`: it is never collected."""
        return self._call(calls.create_hold(subject, reason=reason))

    def release(self, subject: str, *, reason: str) -> Hold:
        """Release what is held."""
        return self._call(calls.release_hold(subject, reason=reason))

    def holds(self, *, released: bool = False) -> Iterator[Hold]:
        """Yield holds, newest first; with `released` also those that are over."""
        return self._pages(lambda token: calls.list_holds(token, released=released))

    # The daemon

    def server_info(self, *, timeout_seconds: float = TIMEOUT_SECONDS) -> ServerInfo:
        """Return who answers; a short timeout makes it a probe."""
        return self._call(calls.server_info(timeout_seconds))

    def devices(self) -> tuple[Device, ...]:
        """Return the accelerators of the daemon's machine, by place."""
        return self._call(machine_calls.list_devices())

    def release_device(self, uuid: str, *, reason: str) -> Device:
        """Take a device out of quarantine."""
        return self._call(machine_calls.release_device(uuid, reason=reason))

    def machine_events(self) -> Iterator[MachineEvent]:
        """Yield what has happened to the machine, newest first: devices and maintenance. For auditors."""
        return self._pages(machine_calls.list_machine_events)

    def drain(self, *, reason: str = "", checkpoint: bool = False, deadline_seconds: int = 0) -> Maintenance:
        """Let no step begin until `undrain`; with `checkpoint` (or after so many seconds) ask those that run to stop
        where they can go on.
        """
        wanted = machine_calls.drain(reason=reason, checkpoint=checkpoint, deadline_seconds=deadline_seconds)
        return self._call(wanted)

    def undrain(self) -> None:
        """End maintenance: what waits begins."""
        self._call(machine_calls.undrain())

    def shutdown(self) -> None:
        """Ask the daemon to end (over its Unix socket only); runs and deployments go on without it."""
        self._call(calls.shutdown())

    def _call(self, call: Call[Answer]) -> Answer:
        method, request = getattr(call.stub(self._channel), call.method), in_project(call.request, self.project)
        deadline = time.monotonic() + call.timeout_seconds
        patience = min(self._patience_seconds, call.timeout_seconds)
        tries = Persistence(repeatable=call.repeatable, met=self._met, patience_seconds=patience)
        while True:
            try:
                answer = method(request, timeout=max(0.0, deadline - time.monotonic()))
            except grpc.RpcError as error:
                pause = tries.pause_after(error)
                if pause is None:
                    raise translated(error, self.target, self._credentials) from error
                time.sleep(pause)
            else:
                self._met = True
                return call.read(answer)

    def _pages(self, call: Callable[[str], Call[calls.Page[Answer]]]) -> Iterator[Answer]:
        token = ""
        while True:
            items, token = self._call(call(token))
            yield from items
            if not token:
                return

    def _followed(self, stream: Any, patience_seconds: float) -> Iterator[Any]:
        """Yield what a stream brings; open it again where it was when the daemon went away, as long as somebody answers
        in time.
        """
        while True:
            try:
                for answer in stream.open(self._channel):
                    yield from stream.read(answer)
            except grpc.RpcError as error:
                if not passes(error) or not self._comes_back(patience_seconds):
                    raise translated(error, self.target, self._credentials) from error
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
