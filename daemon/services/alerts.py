"""AlertService: what was told, what waits to be told, and where it goes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tunewright.daemon.access.calls import current
from tunewright.daemon.access.log import AccessLog
from tunewright.daemon.alerts.delivering import Deliverer
from tunewright.daemon.alerts.settings import AlertSettings, Sink, Webhook
from tunewright.daemon.clock import Clock
from tunewright.daemon.errors import RefusedError
from tunewright.daemon.services import requests, translate
from tunewright.daemon.services.pages import page
from tunewright.daemon.store import alerts
from tunewright.daemon.store.alerts import AlertRecord, AlertState
from tunewright.daemon.store.database import Database
from tunewright.daemon.store.projects import Projects
from tunewright.proto.v1 import alert_service_pb2 as wire
from tunewright.proto.v1 import alert_service_pb2_grpc

_STATES: Mapping[int, AlertState] = {
    wire.AlertState.Value(f"ALERT_STATE_{state.upper()}"): state for state in AlertState
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertService(alert_service_pb2_grpc.AlertServiceServicer):
    """Alerts are rows; `settings` answers where they go, as it is now."""

    database: Database
    clock: Clock
    settings: Callable[[], AlertSettings]
    deliverer: Deliverer
    log: AccessLog

    async def ListAlerts(self, request: wire.ListAlertsRequest, context: Any) -> wire.ListAlertsResponse:
        """Answer a page of alerts."""
        asked = page(request, 50, 500)
        found = alerts.page(
            self.database.read,
            before=asked.position,
            limit=asked.size + 1,
            states=requests.choices(request.states, _STATES, "states"),
            run=requests.name_part(request.run, "runs", "run") if request.run else "",
            sink=request.sink,
            projects=current().projects,
        )
        answer = wire.ListAlertsResponse(alerts=[_message(item) for item in found[: asked.size]])
        if len(found) > asked.size:
            answer.next_page_token = asked.token(found[asked.size - 1].number)
        return answer

    async def ListAlertSinks(self, request: wire.ListAlertSinksRequest, context: Any) -> wire.ListAlertSinksResponse:
        """Answer the sinks that a caller's specs can name."""
        visible = current().projects
        found = sorted(self.settings().sinks.items())
        return wire.ListAlertSinksResponse(sinks=[_sink(sink, visible) for _, sink in found if _serves(sink, visible)])

    async def RetryAlert(self, request: wire.RetryAlertRequest, context: Any) -> wire.RetryAlertResponse:
        """Let an alert be tried now."""
        identifier, now = requests.name_part(request.name, "alerts"), self.clock.now()
        found = alerts.get(self.database.read, identifier)
        if found is None:
            message = f"there is no alert {identifier[:100]}"
            raise RefusedError("ALERT_NOT_FOUND", message, alert=identifier)
        revived = await self.database.write(lambda connection: alerts.revive(connection, found, now))
        self.deliverer.wake(revived.sink)
        return wire.RetryAlertResponse(alert=_message(revived))

    async def TestAlertSink(self, request: wire.TestAlertSinkRequest, context: Any) -> wire.TestAlertSinkResponse:
        """Send a test, and wait for what comes of it."""
        sink = self.settings().sinks.get(request.sink)
        if sink is None:
            message = f"there is no sink `{request.sink[:100]}` in the daemon's alerts.yaml"
            raise RefusedError("ALERT_SINK_NOT_FOUND", message, sink=request.sink)
        tested = await self.deliverer.test(sink)
        note = self.log.change(
            "alert_sink_tested", current().identity, sink=sink.name, state=tested.state, problem=tested.problem
        )
        await self.database.write(note)
        return wire.TestAlertSinkResponse(alert=_message(tested))


def _serves(sink: Sink, visible: Projects) -> bool:
    return visible is None or sink.projects is None or bool(sink.projects & visible)


def _sink(sink: Sink, visible: Projects) -> wire.AlertSink:
    projects = sink.projects or frozenset()
    return wire.AlertSink(
        name=sink.name,
        channel="webhook" if isinstance(sink.channel, Webhook) else "command",
        severity=_severity(sink.severity),
        projects=sorted(projects if visible is None else projects & visible),
    )


def _message(alert: AlertRecord) -> wire.Alert:
    waits = alert.state is AlertState.PENDING
    return wire.Alert(
        name=f"alerts/{alert.id}",
        sink=alert.sink,
        project=alert.project,
        spec=alert.spec_name,
        run=f"runs/{alert.run}" if alert.run else "",
        step=alert.step,
        kind=alert.kind,
        severity=_severity(alert.severity),
        rule=alert.rule,
        message=alert.message,
        state=wire.AlertState.Value(f"ALERT_STATE_{alert.state.upper()}"),
        tries=alert.tries,
        problem=alert.problem,
        count=alert.count,
        create_time=translate.time(alert.create_time),
        next_time=translate.time(alert.not_before) if waits else None,
        end_time=None if alert.end_time is None else translate.time(alert.end_time),
    )


def _severity(word: str) -> wire.AlertSeverity.ValueType:
    return wire.AlertSeverity.Value(f"ALERT_SEVERITY_{word.upper()}")
