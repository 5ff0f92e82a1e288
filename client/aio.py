"""The typed client of `api` for event loops: the same methods, awaited; the same values, errors and promises."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, TypeVar

import grpc
import grpc.aio

from tunewright.client import access_calls, alert_calls, calls, machine_calls, queue_calls
from tunewright.client.access_values import AccessEvent, Blocked, Grant, Identity, Token
from tunewright.client.alert_values import Alert, AlertSink
from tunewright.client.api import PATIENCE_SECONDS
from tunewright.client.calls import TIMEOUT_SECONDS, Call, in_project
from tunewright.client.channel import open_async_channel
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

_PAUSE_SECONDS = 0.05

Answer = TypeVar("Answer")


def connect(
    target: str,
    *,
    credentials: Credentials = NO_CREDENTIALS,
    project: str = "",
    patience_seconds: float = PATIENCE_SECONDS,
) -> "AsyncClient":
    """Return a client as `api.connect` does, to be used in the event loop that runs now."""
    return AsyncClient(target, credentials=credentials, project=project, patience_seconds=patience_seconds)


class AsyncClient:
    """Calls one daemon from an event loop; see `tunewright.client.api.Client`, whose methods it has."""

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
        self._channel = open_async_channel(target, credentials)
        self._met = False

    async def __aenter__(self) -> "AsyncClient":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connection; open iterators end with an error."""
        await self._channel.close(None)

    # Specs

    async def check(self, source: SpecSource) -> tuple[Diagnostic, ...]:
        """Return everything that is wrong with a spec, by the daemon's own facts."""
        return await self._call(calls.check(source))

    async def compile(self, source: SpecSource) -> Compiled:
        """Return the plan of a spec and what a run would do; no plan where there are errors."""
        return await self._call(calls.compile_spec(source))

    # Runs

    async def create_run(
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
        return await self._call(
            calls.create_run(
                source,
                request_id=request_id,
                validate_only=validate_only,
                expected_plan_digest=expected_plan_digest,
                priority=priority,
                preemptible=preemptible,
            )
        )

    async def get_run(self, run: str) -> RunDetail:
        """Return a run with its plan and spec text."""
        return await self._call(calls.get_run(run))

    def list_runs(
        self,
        *,
        spec_name: str = "",
        active_only: bool = False,
        states: Sequence[str] = (),
        create_after: datetime | None = None,
        create_before: datetime | None = None,
    ) -> AsyncIterator[Run]:
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

    async def cancel(
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
        return await self._call(
            calls.cancel_run(
                run, mode=mode, reason=reason, request_id=request_id, etag=etag, validate_only=validate_only
            )
        )

    async def pause(
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
        return await self._call(
            calls.pause_run(run, by=by, reason=reason, request_id=request_id, etag=etag, validate_only=validate_only)
        )

    async def resume(
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
        return await self._call(
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

    async def set_priority(
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
        return await self._call(
            calls.set_run_priority(run, priority, by=by, request_id=request_id, etag=etag, validate_only=validate_only)
        )

    async def queue(self) -> Queue:
        """Return who waits for the machine, in order and at most a thousand, and who has it."""
        return await self._call(queue_calls.list_queue())

    async def retry(self, run: str, *, request_id: str = "", validate_only: bool = False) -> Run:
        """Start a new run of the same sealed plan; what succeeded is reused."""
        return await self._call(calls.retry_run(run, request_id=request_id, validate_only=validate_only))

    def watch(self, run: str, after: int = 0, *, patience_seconds: float | None = None) -> AsyncIterator[RunEvent]:
        """Yield the run's events after sequence `after`, in order and without gaps, until the run has ended.

        Goes on by itself where it was when the daemon restarts; raises UnreachableError when none answers for
        `patience_seconds`.
        """
        patience = self._patience_seconds if patience_seconds is None else patience_seconds
        return self._followed(Watch(run=run, last=after), patience)

    def list_events(
        self, run: str, *, after: int = 0, kinds: Sequence[str] = (), step: str = ""
    ) -> AsyncIterator[RunEvent]:
        """Yield the events that are stored now, oldest first: all, or those of some kinds, or about a step."""
        return self._pages(lambda token: calls.list_events(token, run=run, after=after, kinds=kinds, step=step))

    # What runs leave behind

    def points(self, run: str, *, step: str = "") -> AsyncIterator[Point]:
        """Yield everything that trainings of a run measured, in the order in which it was read; the log has less."""
        return self._pages(lambda token: calls.list_points(token, run=run, step=step))

    def logs(
        self, run: str, step: str, *, attempt: int = 0, stream: str = "stderr", offset: int = 0, follow: bool = False
    ) -> AsyncIterator[LogChunk]:
        """Yield a step's log from byte `offset` (negative: from the end); `stream` is `stdout` or `stderr`, attempt 0
        the last one.

        With `follow` it ends when the attempt does. The bytes are the runner's: escape control characters before
        drawing them.
        """
        log = Log(run=run, step=step, attempt=attempt, stream=stream, position=offset, follow=follow)
        return self._followed(log, self._patience_seconds if follow else 0.0)

    async def get_artifact(self, digest: str) -> Artifact:
        """Return an artifact by its digest or a unique beginning of it (6 characters or more)."""
        return await self._call(calls.get_artifact(digest))

    def artifacts(
        self, *, run: str = "", role: str = "", spec_name: str = "", kind: str = "", step_digest: str = ""
    ) -> AsyncIterator[Artifact]:
        """Yield artifacts, newest first."""
        return self._pages(
            lambda token: calls.list_artifacts(
                token, run=run, role=role, spec_name=spec_name, kind=kind, step_digest=step_digest
            )
        )

    # Deployments

    def deployments(
        self, *, ended: bool = False, spec_name: str = "", states: Sequence[str] = ()
    ) -> AsyncIterator[Deployment]:
        """Yield deployments, newest first; with `ended` also those that are over."""
        return self._pages(lambda token: calls.list_deployments(token, ended=ended, spec_name=spec_name, states=states))

    async def get_deployment(self, deployment: str) -> Deployment:
        """Return the newest revision of a deployment."""
        return await self._call(calls.get_deployment(deployment))

    async def stop_deployment(
        self,
        deployment: str,
        *,
        mode: str = "graceful",
        request_id: str = "",
        etag: str = "",
        validate_only: bool = False,
    ) -> Deployment:
        """Ask a deployment to stop."""
        return await self._call(
            calls.stop_deployment(deployment, mode=mode, request_id=request_id, etag=etag, validate_only=validate_only)
        )

    # Access

    async def who_am_i(self) -> Identity:
        """Return who the daemon takes the caller for."""
        return await self._call(access_calls.who_am_i())

    async def create_token(
        self, subject: str, grants: Sequence[Grant], *, days: float = 30, certificate: str = ""
    ) -> tuple[Token, str]:
        """Make a token for somebody; return what is stored of it, and its secret, which nobody can see again."""
        return await self._call(access_calls.create_token(subject, grants, days=days, certificate=certificate))

    def tokens(self, *, ended: bool = False) -> AsyncIterator[Token]:
        """Yield tokens, newest first; with `ended` also those that are over."""
        return self._pages(lambda token: access_calls.list_tokens(token, ended=ended))

    async def revoke_token(self, token: str) -> Token:
        """Revoke a token by its id."""
        return await self._call(access_calls.revoke_token(token))

    async def block(self, subject: str, *, reason: str = "") -> Blocked:
        """Let nobody of this name in any more."""
        return await self._call(access_calls.block(subject, reason=reason))

    async def unblock(self, subject: str) -> None:
        """Take a block back."""
        await self._call(access_calls.unblock(subject))

    async def blocked(self) -> tuple[Blocked, ...]:
        """Return whom nothing lets in."""
        return await self._call(access_calls.list_blocked())

    def access_events(self) -> AsyncIterator[AccessEvent]:
        """Yield the log of access, newest first."""
        return self._pages(access_calls.list_access_events)

    # What is kept

    async def collect_garbage(self, *, validate_only: bool = False) -> Collection:
        """Remove what the site's retention does not keep; with `validate_only` only say what that would be."""
        return await self._call(calls.collect_garbage(validate_only=validate_only))

    def alerts(self, *, states: Sequence[str] = (), run: str = "", sink: str = "") -> AsyncIterator[Alert]:
        """Yield alerts, newest first: those in one of `states`, of a run, to a sink, or all."""
        return self._pages(lambda token: alert_calls.list_alerts(token, states=states, run=run, sink=sink))

    async def alert_sinks(self) -> list[AlertSink]:
        """Return the places that alerts can go to."""
        return await self._call(alert_calls.list_sinks())

    async def retry_alert(self, alert: str) -> Alert:
        """Let an alert that was given up, or waits, be tried now."""
        return await self._call(alert_calls.retry_alert(alert))

    async def test_alert_sink(self, sink: str) -> Alert:
        """Send a test to a sink and return what came of it."""
        return await self._call(alert_calls.test_sink(sink))

    async def hold(self, subject: str, *, reason: str) -> Hold:
        """Hold `runs/ID` (with all that it used and left) or `artifacts/HEX`: it is never collected."""
        return await self._call(calls.create_hold(subject, reason=reason))

    async def release(self, subject: str, *, reason: str) -> Hold:
        """Release what is held."""
        return await self._call(calls.release_hold(subject, reason=reason))

    def holds(self, *, released: bool = False) -> AsyncIterator[Hold]:
        """Yield holds, newest first; with `released` also those that are over."""
        return self._pages(lambda token: calls.list_holds(token, released=released))

    # The daemon

    async def server_info(self, *, timeout_seconds: float = TIMEOUT_SECONDS) -> ServerInfo:
        """Return who answers; a short timeout makes it a probe."""
        return await self._call(calls.server_info(timeout_seconds))

    async def devices(self) -> tuple[Device, ...]:
        """Return the accelerators of the daemon's machine, by place."""
        return await self._call(machine_calls.list_devices())

    async def release_device(self, uuid: str, *, reason: str) -> Device:
        """Take a device out of quarantine."""
        return await self._call(machine_calls.release_device(uuid, reason=reason))

    def machine_events(self) -> AsyncIterator[MachineEvent]:
        """Yield what has happened to the machine, newest first: devices and maintenance. For auditors."""
        return self._pages(machine_calls.list_machine_events)

    async def drain(self, *, reason: str = "", checkpoint: bool = False, deadline_seconds: int = 0) -> Maintenance:
        """Let no step begin until `undrain`; with `checkpoint` (or after so many seconds) ask those that run to stop
        where they can go on.
        """
        wanted = machine_calls.drain(reason=reason, checkpoint=checkpoint, deadline_seconds=deadline_seconds)
        return await self._call(wanted)

    async def undrain(self) -> None:
        """End maintenance: what waits begins."""
        await self._call(machine_calls.undrain())

    async def shutdown(self) -> None:
        """Ask the daemon to end (over its Unix socket only); runs and deployments go on without it."""
        await self._call(calls.shutdown())

    async def _call(self, call: Call[Answer]) -> Answer:
        method, request = getattr(call.stub(self._channel), call.method), in_project(call.request, self.project)
        deadline = time.monotonic() + call.timeout_seconds
        patience = min(self._patience_seconds, call.timeout_seconds)
        tries = Persistence(repeatable=call.repeatable, met=self._met, patience_seconds=patience)
        while True:
            try:
                answer = await method(request, timeout=max(0.0, deadline - time.monotonic()))
            except grpc.RpcError as error:
                pause = tries.pause_after(error)
                if pause is None:
                    raise await asyncio.to_thread(translated, error, self.target, self._credentials) from error
                await asyncio.sleep(pause)
            else:
                self._met = True
                return call.read(answer)

    async def _pages(self, call: Callable[[str], Call[calls.Page[Answer]]]) -> AsyncIterator[Answer]:
        token = ""
        while True:
            items, token = await self._call(call(token))
            for item in items:
                yield item
            if not token:
                return

    async def _followed(self, stream: Any, patience_seconds: float) -> AsyncIterator[Any]:
        while True:
            try:
                async for answer in stream.open(self._channel):
                    for item in stream.read(answer):
                        yield item
            except grpc.RpcError as error:
                if not passes(error) or not await self._comes_back(patience_seconds):
                    raise await asyncio.to_thread(translated, error, self.target, self._credentials) from error
            else:
                return

    async def _comes_back(self, patience_seconds: float) -> bool:
        # A daemon that is going away still answers for a moment.
        await asyncio.sleep(min(_PAUSE_SECONDS, patience_seconds))
        try:
            await asyncio.wait_for(self._channel.channel_ready(), patience_seconds)
        except TimeoutError:
            return False
        return True
