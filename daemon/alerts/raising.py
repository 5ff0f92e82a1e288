"""From events to alerts: decide about every trigger once, and store what follows in the transaction that forgets it."""

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


@dataclass(slots=True)
class Raiser:
    """Reads triggers, applies the rules of specs and of the site, and fills the outbox."""

    database: Database
    clock: Clock
    settings: Callable[[], AlertSettings]
    _rules: dict[str, tuple[AlertRule, ...]] = field(default_factory=dict)

    async def raise_all(self) -> None:
        """Decide about everything that waits for it."""
        while found := alerts.triggers(self.database.read, _PAGE):
            await self._decide(found)
        await self._look_at_waits()

    async def _decide(self, found: list[Trigger]) -> None:
        settings, raised = self.settings(), []
        conditions: dict[tuple[str, str], Condition] = {}
        for trigger in found:
            rules = list(self.rules_of(trigger.run, trigger.project, trigger.spec_name, settings))
            figures = trigger.kind in FIGURES
            fulfilled = list(self._judged(trigger, rules, conditions)) if figures else matches(trigger, rules)
            raised += [alert for match in fulfilled for alert in self._alerts(trigger, match, settings)]

        def write(connection: sqlite3.Connection) -> None:
            alerts.decided(connection, found[-1].id)
            for (run, rule), known in conditions.items():
                alerts.set_condition(connection, run, rule, known)
            for alert in raised:
                alerts.put(connection, alert, settings.folding)

        await self.database.write(write)

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
                self._rules.clear()
            plan, _ = runs.texts(self.database.read, run)
            self._rules[run] = tuple(alert_rule(item) for item in json.loads(plan).get("alerts", ()))
        return self._rules[run]

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
        for run, project, spec_name, created in alerts.waiting(self.database.read, now - _SHORTEST_WAIT):
            for item in self.rules_of(run, project, spec_name, settings):
                seconds = item.rule.queued_seconds
                told = seconds is None or alerts.condition(self.database.read, run, item.name) is not None
                if seconds is None or told or now - created < seconds * 1000:
                    continue
                await self._tell_wait(run, item.name, seconds, now)

    async def _tell_wait(self, run: str, rule: str, seconds: float, now: int) -> None:
        await self.database.write(lambda connection: alerts.tell_wait(connection, run, rule, seconds, now))
