"""Around every call: who calls and may they, refusals become statuses with ErrorInfo, bugs become INTERNAL, and the
daemon knows whether it is used.
"""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager, aclosing
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from tunewright.daemon.access import calls
from tunewright.daemon.access.calls import Call
from tunewright.daemon.access.door import Door, Evidence, evidence_of
from tunewright.daemon.access.identities import Identity
from tunewright.daemon.access.limits import STRANGERS_PER_SECOND, Meter, check_size
from tunewright.daemon.access.log import AccessLog
from tunewright.daemon.access.rules import RULES, Rule
from tunewright.daemon.actor import ACTOR
from tunewright.daemon.errors import RefusedError
from tunewright.daemon.log.context import work_for
from tunewright.daemon.measures import NO_MEASURES, CallClock, Measures
from tunewright.daemon.services.authority import Authority
from tunewright.daemon.services.open_streams import OpenStreams
from tunewright.daemon.services.statuses import status_of
from tunewright.daemon.traces.tracer import NO_TRACES, Tracer

_MAX_REQUEST_ID = 100

_Unary = Callable[[Any, Any], Awaitable[Any]]
_Stream = Callable[[Any, Any], AsyncIterator[Any]]


@dataclass(slots=True)
class Activity:
    """How much the daemon is used: calls that are open, and when the last one ended (monotonic seconds)."""

    calls: int = 0
    last: float = field(default_factory=time.monotonic)

    def idle_seconds(self) -> float:
        """Return for how long nobody has called."""
        return 0.0 if self.calls else time.monotonic() - self.last

    def __enter__(self) -> None:
        self.calls += 1

    def __exit__(self, *_: object) -> None:
        self.calls -= 1
        self.last = time.monotonic()


@dataclass(frozen=True, slots=True)
class _Malformed:
    """A request whose bytes are no message."""

    why: str


def _forgiving(deserialize: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    """Left to gRPC, bytes that are no message end a call as a bug of ours would."""

    def read(content: bytes) -> Any:
        try:
            return deserialize(content)
        except DecodeError as error:
            return _Malformed(str(error))

    return read


def _unless_sent(serialize: Callable[[Any], bytes]) -> Callable[[Any], bytes]:
    """What is the same for many callers comes as the bytes that are sent."""
    return lambda answer: answer if isinstance(answer, bytes) else serialize(answer)


@dataclass(slots=True, kw_only=True)
class Border(grpc.aio.ServerInterceptor):  # type: ignore[type-arg]
    """The interceptor of all services."""

    activity: Activity
    door: Door
    authority: Authority
    log: AccessLog
    meter: Meter = field(default_factory=Meter)
    streams: OpenStreams = field(default_factory=OpenStreams)
    measures: Measures = NO_MEASURES
    tracer: Tracer = NO_TRACES

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]],
        details: grpc.HandlerCallDetails,
    ) -> Any:
        """Return the method's implementation, wrapped."""
        found = await continuation(details)
        method = details.method.removeprefix("/")
        rule = RULES.get(method)
        if found is None or (rule is not None and rule.public):
            return found
        codecs = (_forgiving(found.request_deserializer), _unless_sent(found.response_serializer))
        if found.unary_unary is not None:
            return grpc.unary_unary_rpc_method_handler(self._answering(found.unary_unary, method, rule), *codecs)
        if found.unary_stream is not None:
            return grpc.unary_stream_rpc_method_handler(self._streaming(found.unary_stream, method, rule), *codecs)
        return grpc.stream_stream_rpc_method_handler(self._streaming(found.stream_stream, method, rule), *codecs)

    def _answering(self, inner: _Unary, method: str, rule: Rule | None) -> _Unary:
        async def answer(request: Any, context: Any) -> Any:
            _begin_work(request, method)
            with self.activity, self.measures.call(method) as clock, self._traced(method, context, clock):
                try:
                    await self._admit(request, evidence_of(context), method, rule)
                    return await inner(request, context)
                except Exception as error:
                    await _abort(context, error, method, clock)

        return answer

    def _streaming(self, inner: _Stream, method: str, rule: Rule | None) -> Callable[[Any, Any], Awaitable[None]]:
        async def stream(request: Any, context: Any) -> None:
            _begin_work(request, method)
            measured = self.measures.call(method, streaming=True)
            with self.activity, measured as clock, self._traced(method, context, clock):
                try:
                    await self._stream(inner, request, context, method, rule)
                except Exception as error:
                    await _abort(context, error, method, clock)

        return stream

    async def _stream(self, inner: _Stream, request: Any, context: Any, method: str, rule: Rule | None) -> None:
        evidence = evidence_of(context)
        call = await self._admit(request, evidence, method, rule)

        async def again() -> None:
            self._decided(rule, await self.door.identify(evidence), request)

        with (
            self.meter.stream(call.identity.subject, call.limits.streams),
            self.streams.open(None if call.identity.is_local else again) as kept,
        ):
            try:
                async with aclosing(inner(request, context)) as answers:  # type: ignore[type-var]
                    async for answer in answers:
                        await context.write(answer)
            except asyncio.CancelledError:
                if kept.refusal is None:
                    raise
                await self.log.denied(kept.refusal, evidence, call.identity, method, "stream_ended")
                raise kept.refusal from None

    def _traced(self, method: str, context: Any, clock: CallClock) -> AbstractContextManager[None]:
        return self.tracer.call(method, context.invocation_metadata(), clock)

    async def _admit(self, request: Any, evidence: Evidence, method: str, rule: Rule | None) -> Call:
        """Let a call begin, in its own name; raise RefusedError."""
        call = await self.let_in(evidence, method, rule, request)
        calls.begin(call)
        ACTOR.set(call.identity.subject)
        work_for(caller=call.identity.subject, project=call.project)
        return call

    async def let_in(self, evidence: Evidence, method: str, rule: Rule | None, request: Any = None) -> Call:
        """Return what is decided about a call; raise RefusedError, which the log of access then knows."""
        identity = None
        try:
            identity = await self._identified(evidence)
            if isinstance(request, _Malformed):
                raise RefusedError("FIELD_INVALID", f"the request can't be read: {request.why}", field="")
            limits = self.authority.limits(identity)
            self.meter.take(identity.subject, limits.requests_per_second)
            check_size(_size(request), limits)
            return self._decided(rule, identity, request)
        except RefusedError as error:
            await self.log.denied(error, evidence, identity, method)
            raise

    async def _identified(self, evidence: Evidence) -> Identity:
        try:
            return await self.door.identify(evidence)
        except RefusedError:
            # Who tries credentials in turn is slowed down; the refusal says so instead of whether this one was near.
            self.meter.take(f"stranger at {evidence.host}", STRANGERS_PER_SECOND)
            raise

    def _decided(self, rule: Rule | None, identity: Identity, request: Any) -> Call:
        if rule is None:
            raise RefusedError("PERMISSION_MISSING", "nobody may call this method", permission="", project="", roles="")
        return self.authority.authorise(rule, identity, request)


def _begin_work(request: Any, method: str) -> None:
    """A call is known in the log by the id that its client gave it, else by one of ours."""
    given = getattr(request, "request_id", "")
    work_for(request=str(given)[:_MAX_REQUEST_ID] or secrets.token_hex(6), method=method)


async def _abort(context: Any, error: Exception, method: str, clock: CallClock) -> None:
    status = status_of(error, method)
    clock.code = status.code.name
    await context.abort_with_status(status)


def _size(request: Any) -> int:
    """Return the bytes of a request; a stream of requests has none of its own."""
    return int(request.ByteSize()) if hasattr(request, "ByteSize") else 0
