"""From events to alerts: decide about every trigger once, and store what follows in the transaction that forgets it."""

import asyncio
import hashlib
import json
import logging
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from tunewright.compiler.ir.plan import AlertRule, alert_rule
from tunewright.daemon.alerts.matching import Match, NamedRule, judge, matches
from tunewright.daemon.alerts.settings import AlertSettings
from tunewright.daemon.clock import Clock
from tunewright.daemon.store import alerts, runs
from tunewright.daemon.store.alerts import AlertRecord, Condition, Trigger
from tunewright.daemon.store.database import Database
from tunewright.daemon.store.events import FIGURES
from tunewright.spec.alerting import SEVERITIES

_log = logging.getLogger(__name__)

_PAGE = 200
_MOST_RULES = 1000
#: Waits shorter than this are not looked for.
_SHORTEST_WAIT = 1000
#: A rule's name, and for how many seconds a run may wait before it is told.
_Limit = tuple[str, float]


@dataclass(slots=True)
class Raiser:
    """Reads triggers, applies the rules of specs and of the site, and fills the outbox."""

    database: Database
    clock: Clock
    settings: Callable[[], AlertSettings]
    _rules: dict[str, tuple[AlertRule, ...]] = field(default_factory=dict)
    _waits: dict[str, list[_Limit]] = field(default_factory=dict)
    _waits_by: AlertSettings | None = None

    async def raise_all(self) -> None:
        """Decide about everything that waits for it."""
        while found := alerts.triggers(self.database.read, _PAGE):
            await self._decide(found)
        await self._look_at_waits()

    async def _decide(self, found: list[Trigger]) -> None:
        settings, raised = self.settings(), []
        conditions: dict[tuple[str, str], Condition] = {}
        for trigger in found:
            try:
                raised += self._decided(trigger, settings, conditions)
            except sqlite3.Error:
                raise
            except Exception:  # what runners write may be anything: one event must not keep all others from being told
                _log.exception("event %d of run %s can't be understood; nobody is told", trigger.sequence, trigger.run)

        def write(connection: sqlite3.Connection) -> None:
            alerts.decided(connection, found[-1].id)
            for (run, rule), known in conditions.items():
                alerts.set_condition(connection, run, rule, known)
            for alert in raised:
                alerts.put(connection, alert, settings.folding)

        await self.database.write(write)

    def _decided(
        self, trigger: Trigger, settings: AlertSettings, conditions: dict[tuple[str, str], Condition]
    ) -> list[AlertRecord]:
        """Return what is told of an event; what it says of conditions is put into `conditions`."""
        rules = list(self.rules_of(trigger.run, trigger.project, trigger.spec_name, settings))
        figures = trigger.kind in FIGURES
        fulfilled = list(self._judged(trigger, rules, conditions)) if figures else matches(trigger, rules)
        return [alert for match in fulfilled for alert in self._alerts(trigger, match, settings)]

    def rules_of(self, run: str, project: str, spec_name: str, settings: AlertSettings) -> Iterator[NamedRule]:
        """Yield the rules that a run is held to: its spec's, then the site's."""
        for index, rule in enumerate(self._planned(run)):
            yield NamedRule(name=f"alerts[{index}]", rule=rule)
        for index, own in enumerate(settings.rules):
            if own.covers(project, spec_name):
                yield NamedRule(name=f"site rules[{index}]", rule=own.rule, site=True)

    def _planned(self, run: str) -> tuple[AlertRule, ...]:
        if run not in self._rules:
            if len(self._rules) >= _MOST_RULES:
                del self._rules[next(iter(self._rules))]
            self._rules[run] = self._read_rules(run)
        return self._rules[run]

    def _read_rules(self, run: str) -> tuple[AlertRule, ...]:
        plan, _ = runs.texts(self.database.read, run)
        try:
            return tuple(alert_rule(item) for item in json.loads(plan).get("alerts", ()))
        except (AttributeError, LookupError, TypeError, ValueError):
            _log.exception("the rules of run %s can't be read; the site's alone count for it", run)
            return ()

    def _judged(
        self, trigger: Trigger, rules: list[NamedRule], conditions: dict[tuple[str, str], Condition]
    ) -> Iterator[Match]:
        for item in rules:
            if item.rule.when is None:
                continue
            key = (trigger.run, item.name)
            before = conditions.get(key) or alerts.condition(self.database.read, *key)
            conditions[key], match = judge(item, item.rule.when, trigger, before)
            if match is not None:
                yield match

    def _alerts(self, trigger: Trigger, match: Match, settings: AlertSettings) -> Iterator[AlertRecord]:
        rule = match.rule.rule
        for name in rule.to:
            sink = settings.sinks.get(name)
            if sink is not None and not match.rule.site and not sink.serves(trigger.project):
                _log.warning("run %s may not tell sink %s", trigger.run, name)
                continue
            if sink is not None and SEVERITIES.index(rule.severity) < SEVERITIES.index(sink.severity):
                continue
            # A sink that is missing now may be back before the alert is given up: it waits.
            yield self._record(trigger, match, name)

    def _record(self, trigger: Trigger, match: Match, sink: str) -> AlertRecord:
        now = self.clock.now()
        of = (self.database.store_id, trigger.run, str(trigger.sequence), match.rule.name, sink)
        return AlertRecord(
            id=f"alert_{hashlib.sha256('/'.join(of).encode()).hexdigest()[:24]}",
            sink=sink,
            project=trigger.project,
            spec_name=trigger.spec_name,
            run=trigger.run,
            step=trigger.step,
            attempt=trigger.attempt,
            sequence=trigger.sequence,
            kind=match.kind,
            severity=match.rule.rule.severity,
            rule=match.rule.name,
            message=match.message,
            reason=match.reason,
            help=match.help,
            fold="/".join((trigger.run, trigger.step, match.kind, match.rule.name)),
            tally={match.kind: 1},
            not_before=now,
            create_time=now,
            last_time=now,
        )

    async def _look_at_waits(self) -> None:
        """A run that waits too long makes no event by itself: it gets one, which is told as any other is."""
        settings, now = self.settings(), self.clock.now()
        if settings is not self._waits_by:
            self._waits, self._waits_by = {}, settings
        # Looked at every second, of a queue that may be long: a plan is read once, when its run is seen first.
        known, self._waits = self._waits, {}
        for run, project, spec_name, created in alerts.waiting(self.database.read, now - _SHORTEST_WAIT):
            if run not in known:
                known[run] = self._limits(run, project, spec_name, settings)
                await asyncio.sleep(0)
            over = [limit for limit in known[run] if now - created >= limit[1] * 1000]
            for name, seconds in over:
                await self._tell_wait(run, name, seconds, now)
            self._waits[run] = [limit for limit in known[run] if limit not in over] if over else known[run]

    def _limits(self, run: str, project: str, spec_name: str, settings: AlertSettings) -> list[_Limit]:
        rules = self.rules_of(run, project, spec_name, settings)
        return [(item.name, item.rule.queued_seconds) for item in rules if item.rule.queued_seconds is not None]

    async def _tell_wait(self, run: str, rule: str, seconds: float, now: int) -> None:
        await self.database.write(lambda connection: alerts.tell_wait(connection, run, rule, seconds, now))
