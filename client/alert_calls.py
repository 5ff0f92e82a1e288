"""The calls about alerts as values; see `calls`."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from tunewright.client.alert_values import Alert, AlertSink
from tunewright.client.calls import Call, Page
from tunewright.client.wire import time_of
from tunewright.proto.v1 import alert_service_pb2 as wire
from tunewright.proto.v1 import alert_service_pb2_grpc

#: Seconds for a test: a sink may take a while.
_TEST_TIMEOUT_SECONDS = 120.0
Answer = TypeVar("Answer")


def list_alerts(token: str, *, states: Sequence[str], run: str, sink: str) -> Call[Page[Alert]]:
    """A page of alerts."""
    request = wire.ListAlertsRequest(
        page_token=token,
        states=[wire.AlertState.Value(f"ALERT_STATE_{state.upper()}") for state in states],
        run=f"runs/{run}" if run else "",
        sink=sink,
    )
    return _call(
        "ListAlerts", request, lambda answer: ([_alert(item) for item in answer.alerts], answer.next_page_token)
    )


def list_sinks() -> Call[list[AlertSink]]:
    """The sinks."""
    return _call("ListAlertSinks", wire.ListAlertSinksRequest(), lambda answer: [_sink(item) for item in answer.sinks])


def retry_alert(alert: str) -> Call[Alert]:
    """An alert that is tried now."""
    return _call("RetryAlert", wire.RetryAlertRequest(name=f"alerts/{alert}"), lambda answer: _alert(answer.alert))


def test_sink(sink: str) -> Call[Alert]:
    """A test. Sent again it would be a second one."""
    return Call(
        stub=alert_service_pb2_grpc.AlertServiceStub,
        method="TestAlertSink",
        request=wire.TestAlertSinkRequest(sink=sink),
        read=lambda answer: _alert(answer.alert),
        timeout_seconds=_TEST_TIMEOUT_SECONDS,
        repeatable=False,
    )


def _call(method: str, request: Any, read: Callable[[Any], Answer]) -> Call[Answer]:
    return Call(stub=alert_service_pb2_grpc.AlertServiceStub, method=method, request=request, read=read)


def _alert(message: wire.Alert) -> Alert:
    return Alert(
        id=message.name.removeprefix("alerts/"),
        sink=message.sink,
        project=message.project,
        spec=message.spec,
        run=message.run.removeprefix("runs/"),
        step=message.step,
        kind=message.kind,
        severity=_severity(message.severity),
        rule=message.rule,
        message=message.message,
        state=wire.AlertState.Name(message.state).removeprefix("ALERT_STATE_").lower(),
        tries=message.tries,
        problem=message.problem,
        count=message.count,
        create_time=time_of(message, "create_time"),
        next_time=time_of(message, "next_time"),
        end_time=time_of(message, "end_time"),
    )


def _sink(message: wire.AlertSink) -> AlertSink:
    return AlertSink(
        name=message.name,
        channel=message.channel,
        severity=_severity(message.severity),
        projects=tuple(message.projects),
    )


def _severity(value: wire.AlertSeverity.ValueType) -> str:
    return wire.AlertSeverity.Name(value).removeprefix("ALERT_SEVERITY_").lower()
