"""Send spans by OTLP over HTTP, as the environment of OpenTelemetry says (`OTEL_EXPORTER_OTLP_ENDPOINT` and others)."""

import logging
import secrets
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from tunewright import __version__
from tunewright.daemon.engine.states import RunRecord
from tunewright.daemon.measures import CallClock
from tunewright.daemon.traces.context import CALL, TraceContext, from_header
from tunewright.daemon.traces.spans import Span, ended_spans
from tunewright.daemon.traces.tracer import Tracer

_log = logging.getLogger(__name__)

_MILLISECOND = 1_000_000
#: Statuses that are the daemon's fault, not what a caller asked for.
_BROKEN = frozenset({"INTERNAL", "UNKNOWN", "DATA_LOSS", "UNAVAILABLE", "DEADLINE_EXCEEDED"})


class OtlpTracer(Tracer):
    """Hands ended spans to OpenTelemetry's own queue and thread: what can't be sent holds nobody up."""

    def __init__(self, store_id: str) -> None:
        own = {"service.name": "tunewright", "service.version": __version__, "service.instance.id": store_id}
        self._resource = Resource.create(own)
        self._scope = InstrumentationScope("tunewright.daemon", __version__)
        self._processor = BatchSpanProcessor(OTLPSpanExporter())

    @contextmanager
    def call(self, method: str, metadata: Any, clock: CallClock) -> Iterator[None]:
        """Follow a call; it belongs to the caller's trace, where its `traceparent` names one."""
        headers = [value for name, value in metadata or () if name == "traceparent"]
        parent = from_header(headers[0]) if len(headers) == 1 else None
        trace_id = secrets.randbits(128) or 1 if parent is None else parent.trace_id
        context = TraceContext(trace_id, secrets.randbits(64) or 1)
        CALL.set(context)
        begun = time.time_ns()
        try:
            yield
        finally:
            service, _, name = method.partition("/")
            words = {
                "rpc.system": "grpc",
                "rpc.service": service,
                "rpc.method": name,
                "rpc.response.status": clock.code,
            }
            error = clock.code if clock.code in _BROKEN else None
            self._end(method, context, parent, (begun, time.time_ns()), words, error, SpanKind.SERVER)

    def changed(self, connection: sqlite3.Connection, before: RunRecord, after: RunRecord) -> None:
        """Tell of what has ended in a run."""
        try:
            for span in ended_spans(connection, before, after):
                self._send(span)
        except Exception:  # whoever traces must never keep a run from going on
            _log.exception("spans of run %s are lost", after.id)

    def close(self) -> None:
        """Send what is left; waits for as long as one sending may take."""
        self._processor.shutdown()  # type: ignore[no-untyped-call]

    def _send(self, span: Span) -> None:
        times = (span.start * _MILLISECOND, span.end * _MILLISECOND)
        self._end(span.name, span.context, span.parent, times, span.attributes, span.error, SpanKind.INTERNAL)

    def _end(
        self,
        name: str,
        context: TraceContext,
        parent: TraceContext | None,
        times: tuple[int, int],
        attributes: Mapping[str, str | int],
        error: str | None,
        kind: SpanKind,
    ) -> None:
        self._processor.on_end(
            ReadableSpan(
                name,
                context=_named(context, remote=False),
                parent=None if parent is None else _named(parent, remote=kind is SpanKind.SERVER),
                resource=self._resource,
                attributes=attributes,
                kind=kind,
                status=Status(StatusCode.UNSET) if error is None else Status(StatusCode.ERROR, error),
                start_time=times[0],
                end_time=times[1],
                instrumentation_scope=self._scope,
            )
        )


def _named(context: TraceContext, *, remote: bool) -> SpanContext:
    return SpanContext(context.trace_id, context.span_id, is_remote=remote, trace_flags=TraceFlags(TraceFlags.SAMPLED))
