"""Spans of calls, runs, steps and attempts arrive at a receiver of ours, as one tree, also over restarts."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import grpc
import pytest
from harness.daemons import PACKAGE_ROOT, Daemon, eventually, source_of
from harness.plans import a_plan, a_step
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tunewright.client import wire
from tunewright.compiler.ir.plan import Step
from tunewright.daemon.traces.context import TraceContext, from_header, span_about
from tunewright.daemon.traces.find import find_tracer
from tunewright.daemon.traces.tracer import NO_TRACES
from tunewright.proto.v1 import run_service_pb2, run_service_pb2_grpc

CALLER = TraceContext(0xABCDEF, 0x123)


class Receiver:
    """Takes spans by OTLP over HTTP."""

    def __init__(self) -> None:
        self.requests: list[ExportTraceServiceRequest] = []
        requests = self.requests

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                content = self.rfile.read(int(self.headers["Content-Length"]))
                requests.append(ExportTraceServiceRequest.FromString(content))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def spans(self) -> dict[str, list[Span]]:
        """What has arrived, by name."""
        found: dict[str, list[Span]] = {}
        for request in self.requests:
            for span in (span for of in request.resource_spans for scope in of.scope_spans for span in scope.spans):
                found.setdefault(span.name, []).append(span)
        return found

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """A receiver that daemons of the test send to, at once."""
    receiver = Receiver()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.address)
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
    yield receiver
    receiver.close()


def create_in_trace(daemon: Daemon, *steps: Step) -> str:
    """Create a run as somebody does who traces, and return its id."""
    request = run_service_pb2.CreateRunRequest(source=wire.source_message(source_of(a_plan(*steps))))
    with grpc.insecure_channel(f"unix:{daemon.home / 'daemon.sock'}") as channel:
        answer = run_service_pb2_grpc.RunServiceStub(channel).CreateRun(
            request, metadata=(("traceparent", CALLER.header),)
        )
    return str(answer.run.name.removeprefix("runs/"))


def test_a_run_is_one_tree_below_the_call_that_created_it(stopped_daemon: Daemon, receiver: Receiver) -> None:
    daemon = stopped_daemon.start()
    run = create_in_trace(daemon, a_step("one"), a_step("two", [{"exit": 75}], needs=["one"]))
    assert daemon.finish(run).state == "failed"
    eventually(lambda: "run quick" in receiver.spans)
    spans = receiver.spans
    (call,) = spans["tunewright.v1.RunService/CreateRun"]
    (whole,), (one,), (two,) = spans["run quick"], spans["step one"], spans["step two"]
    trace = CALLER.trace_id.to_bytes(16, "big")
    assert {span.trace_id for span in (call, whole, one, two)} == {trace}
    assert call.parent_span_id == CALLER.span_id.to_bytes(8, "big")
    assert whole.parent_span_id == call.span_id
    assert one.parent_span_id == two.parent_span_id == whole.span_id
    first, second = sorted(spans["attempt two"], key=lambda span: span.start_time_unix_nano)
    assert first.parent_span_id == second.parent_span_id == two.span_id
    assert first.span_id != second.span_id
    assert whole.start_time_unix_nano <= one.start_time_unix_nano < one.end_time_unix_nano <= whole.end_time_unix_nano
    told = {item.key: item.value for item in second.attributes}
    assert told["tunewright.run"].string_value == run
    assert told["tunewright.attempt"].int_value == 2
    assert (one.status.code, second.status.code, two.status.code, whole.status.code) == (0, 2, 2, 2)
    resource = {
        item.key: item.value.string_value for item in receiver.requests[0].resource_spans[0].resource.attributes
    }
    assert resource["service.name"] == "tunewright"


def test_the_tree_stays_one_over_a_restart(stopped_daemon: Daemon, receiver: Receiver) -> None:
    daemon = stopped_daemon.start()
    run = create_in_trace(daemon, a_step("one"), a_step("two", [{"wait_for": "work/go"}], needs=["one"]))
    eventually(lambda: "step one" in receiver.spans)
    eventually(lambda: (daemon.bundle(run, "two") / "work").exists())
    daemon.kill()
    daemon.start()
    (daemon.bundle(run, "two") / "work" / "go").touch()
    assert daemon.finish(run).state == "succeeded"
    eventually(lambda: "run quick" in receiver.spans)
    (one,), (two,), (whole,) = (receiver.spans[name] for name in ("step one", "step two", "run quick"))
    assert one.parent_span_id == two.parent_span_id == whole.span_id
    assert {one.trace_id, two.trace_id, whole.trace_id} == {CALLER.trace_id.to_bytes(16, "big")}


def test_a_receiver_that_is_gone_holds_nobody_up(stopped_daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    daemon = stopped_daemon.start()
    assert daemon.finish(daemon.submit(a_plan(a_step("one"))).run.id).state == "succeeded"


def test_without_an_endpoint_nothing_is_kept_nor_imported(stopped_daemon: Daemon) -> None:
    daemon = stopped_daemon.start()
    run = daemon.submit(a_plan(a_step("one"))).run.id
    daemon.finish(run)
    assert "traceparent" not in daemon.events(run)[0].body
    script = (
        "import sys, tunewright.daemon.app\n"
        "from tunewright.daemon.traces.find import find_tracer\n"
        "find_tracer({}, 'store')\n"
        "sys.exit(', '.join(name for name in sys.modules if name.startswith(('opentelemetry', 'prometheus'))) or None)"
    )
    done = subprocess.run([sys.executable, "-P", "-c", script], env={"PYTHONPATH": PACKAGE_ROOT}, check=False)
    assert done.returncode == 0


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": ""},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_SDK_DISABLED": "true"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_TRACES_EXPORTER": "none"},
    ],
)
def test_nobody_traces_who_did_not_say_so(environment: dict[str, str]) -> None:
    assert find_tracer(environment, "store") is NO_TRACES


@pytest.mark.parametrize(
    "text",
    ["", "00-0-0-01", f"00-{'0' * 32}-{'1' * 16}-01", f"00-{'1' * 32}-{'0' * 16}-01", b"x", None, "01-" + "a" * 51],
)
def test_what_is_no_trace_context_names_nothing(text: object) -> None:
    assert from_header(text) is None


def test_names_of_spans_follow_from_what_they_are_about() -> None:
    assert from_header(CALLER.header) == CALLER
    first, again = span_about(7, "step", "run-1", "sft"), span_about(7, "step", "run-1", "sft")
    assert first == again
    assert span_about(7, "step", "run-1", "dpo") != first
    assert span_about(None, "run", "a").trace_id != span_about(None, "run", "b").trace_id
