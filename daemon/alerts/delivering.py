"""Send what the outbox holds. Each try is stored before it is made, so a daemon that dies sends again, with the same id
and the same body; a receiver that is dead costs one waiting coroutine.
"""

import asyncio
import logging
import random
import secrets
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from tunewright.daemon.alerts.body import body_of
from tunewright.daemon.alerts.command import hand_over
from tunewright.daemon.alerts.references import resolved
from tunewright.daemon.alerts.settings import AlertSettings, AlertSettingsError, Command, Sink
from tunewright.daemon.alerts.signature import read_keys, signed_headers
from tunewright.daemon.alerts.webhook import DeliveryError, destination, post
from tunewright.daemon.clock import Clock, Milliseconds
from tunewright.daemon.store import alerts
from tunewright.daemon.store.alerts import AlertRecord, AlertState
from tunewright.daemon.store.database import Database

_log = logging.getLogger(__name__)

#: What tests of a sink are called.
TEST = "test"
_FIRST_SECONDS, _LONGEST_SECONDS, _JITTER = 2.0, 3600.0, 0.25


@dataclass(slots=True)
class Deliverer:
    """Sends alerts, one at a time to each sink."""

    database: Database
    clock: Clock
    settings: Callable[[], AlertSettings]
    _busy: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _rests: dict[str, tuple[int, Milliseconds]] = field(default_factory=dict)

    async def send_due(self) -> None:
        """Begin to send what may be sent now; what fails, and what a busy or resting sink waits for, comes later."""
        now = self.clock.now()
        for alert in alerts.due(self.database.read, now):
            _, rests_until = self._rests.get(alert.sink, (0, 0))
            if alert.sink not in self._busy and now >= rests_until:
                self._busy[alert.sink] = asyncio.create_task(self._send(alert), name=f"alert-{alert.sink}")

    def wake(self, sink: str) -> None:
        """Let a sink that rests be tried soon: somebody says that it is well again."""
        self._rests.pop(sink, None)

    async def test(self, sink: Sink) -> AlertRecord:
        """Send a test now, once, past everything that waits; return what came of it. It is not stored."""
        now = self.clock.now()
        test = _test(sink.name, now)
        begun = replace(test, tries=1, body=body_of(test, self.database.store_id))
        try:
            await _deliver(sink, begun)
        except DeliveryError as error:
            return replace(begun, state=AlertState.DEAD, problem=error.whole, end_time=self.clock.now())
        return replace(begun, state=AlertState.DELIVERED, end_time=self.clock.now())

    async def stop(self) -> None:
        """Cut short what is being sent: it is sent again by the next daemon."""
        tasks = list(self._busy.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _send(self, alert: AlertRecord) -> None:
        try:
            await self._try(alert)
        except Exception:
            _log.exception("alert %s could not be looked after; trying again", alert.id)
            self._rest(alert.sink)
        finally:
            del self._busy[alert.sink]

    async def _try(self, alert: AlertRecord) -> None:
        settings, now = self.settings(), self.clock.now()
        if now - alert.last_time > settings.give_up_seconds * 1000:
            problem = alert.problem or "its sink did not take others either"
            await self._write(lambda connection: alerts.give_up(connection, alert, problem, now))
            return
        again = now + self._pause(alert.tries + 1)
        body = body_of(alert, self.database.store_id)
        begun = await self.database.write(lambda connection: alerts.begin_try(connection, alert.number, body, again))
        if begun is None:
            return
        try:
            await _deliver(settings.sinks.get(alert.sink), begun)
        except DeliveryError as error:
            await self._failed(begun, error)
            return
        self._rests.pop(alert.sink, None)
        done = self.clock.now()
        await self._write(lambda connection: alerts.delivered(connection, begun, done))

    async def _failed(self, alert: AlertRecord, error: DeliveryError) -> None:
        problem, now = str(error), self.clock.now()
        _log.warning("alert %s was not taken by %s (try %d): %s", alert.id, alert.sink, alert.tries, error.whole)
        self._rest(alert.sink)
        if error.final:
            await self._write(lambda connection: alerts.give_up(connection, alert, problem, now))
        else:
            await self._write(lambda connection: alerts.failed(connection, alert, problem))

    def _rest(self, sink: str) -> None:
        """All alerts of a sink wait after a failure: a dead receiver is asked once in a while, not once an alert."""
        failures, _ = self._rests.get(sink, (0, 0))
        self._rests[sink] = (failures + 1, self.clock.now() + self._pause(failures + 1) // 2)

    @staticmethod
    def _pause(tries: int) -> Milliseconds:
        seconds = min(_LONGEST_SECONDS, _FIRST_SECONDS * 2.0 ** min(tries - 1, 30))
        return int(seconds * 1000 * random.uniform(1 - _JITTER, 1 + _JITTER))  # noqa: S311 - spreads load, hides nothing

    async def _write(self, operation: Callable[[sqlite3.Connection], None]) -> None:
        await self.database.write(operation)


def _test(sink: str, now: Milliseconds) -> AlertRecord:
    return AlertRecord(
        id=f"alert_{secrets.token_hex(12)}",
        sink=sink,
        project="",
        spec_name="",
        run="",
        step="",
        attempt=0,
        sequence=0,
        kind=TEST,
        severity="info",
        rule="",
        message="this is a test: alerts reach you",
        reason="",
        help="",
        fold="",
        tally={TEST: 1},
        not_before=now,
        create_time=now,
        last_time=now,
    )


async def _deliver(sink: Sink | None, alert: AlertRecord) -> None:
    """Hand a message to its sink; raise DeliveryError."""
    if sink is None:
        raise DeliveryError(f"there is no sink `{alert.sink}` in the daemon's alerts.yaml")
    body = (alert.body or "").encode("utf-8")
    channel = sink.channel
    if isinstance(channel, Command):
        await hand_over(channel, alert.id, body)
        return
    try:
        to = destination(resolved(channel.url, channel.folder))
        keys = read_keys(resolved(channel.key, channel.folder))
    except AlertSettingsError as error:
        raise DeliveryError("its address or its key can't be used", detail=str(error)) from None
    headers = signed_headers(keys, alert.id, int(time.time()), body)
    await post(to, headers, body, authority=channel.authority, timeout_seconds=channel.timeout_seconds)
