"""The queue of one machine: decides from the store who begins, with what, and who is asked to make room."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from tunewright.daemon.clock import Clock, Milliseconds
from tunewright.daemon.queue.entries import Holding, Waiting
from tunewright.daemon.queue.machine import Machine, is_slot
from tunewright.daemon.queue.order import Blocked, Decision, closed, decide, ranked
from tunewright.daemon.queue.resources import Resources
from tunewright.daemon.queue.words import Reason, why
from tunewright.daemon.store import leases
from tunewright.daemon.store import queue as rows
from tunewright.daemon.store.database import Database
from tunewright.daemon.store.projects import Projects

#: For how long a decision is taken for true when nobody says that something has changed.
_AGE_MILLISECONDS = 1000
_Key = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """A decision, when it was made and from what: `granted` names the units that each step that begins gets, `held`
    those of each step that has some.
    """

    time: Milliseconds
    machine: Machine
    decision: Decision
    granted: Mapping[_Key, tuple[str, ...]]
    blocked: Mapping[_Key, Blocked]
    free: Resources
    holdings: tuple[Holding, ...]
    held: Mapping[_Key, tuple[str, ...]]

    def reason(self, run: str, step: str, projects: Projects) -> Reason | None:
        """Return why a step waits, for somebody who may see these projects; None for one that does not."""
        found = self.blocked.get((run, step))
        return None if found is None else why(found, self.machine, projects)

    def knows(self, key: _Key) -> bool:
        """Answer whether a step was decided about."""
        return key in self.granted or key in self.blocked


@dataclass(slots=True, kw_only=True)
class Queue:
    """Remembers its last decision, which only saves work. `weights` are those of projects where the site has decided;
    `able` answers whether somebody brings a run forward: one that nobody can must keep nothing from others.
    """

    database: Database
    clock: Clock
    machine: Callable[[], Machine]
    weights: Callable[[], Mapping[str, float]]
    able: Callable[[str], bool] = lambda _: True
    _last: Outlook | None = field(default=None)

    def look_again(self) -> None:
        """Decide anew next time: something has changed."""
        self._last = None

    def outlook(self) -> Outlook:
        """Return how things are, at most a second old."""
        now, last = self.clock.now(), self._last
        if last is None or not 0 <= now - last.time < _AGE_MILLISECONDS:
            last = self._last = self._decided(now)
        return last

    def granted(self, run: str, step: str) -> tuple[str, ...] | None:
        """Return the units with which a step may begin now, None while it has to wait."""
        key = run, step
        if not self.outlook().knows(key):  # its turn has come since then
            self.look_again()
        return self.outlook().granted.get(key)

    def asked_to_leave(self, run: str, step: str) -> Waiting | None:
        """Return the step for which another one has to make room, None where it may stay."""
        return self.outlook().decision.victims.get((run, step))

    def _decided(self, now: Milliseconds) -> Outlook:
        connection, machine = self.database.read, self.machine()
        held: dict[_Key, tuple[str, ...]] = {}
        leased = leases.every(connection)
        for lease in leased:
            held[lease.run, lease.step] = (*held.get((lease.run, lease.step), ()), lease.unit)
        taken = {lease.unit for lease in leased}
        live = tuple(rows.holding(connection))
        free_units = _without_unleased([unit for unit in machine.units if unit not in taken], live, held)
        units = frozenset(machine.units)
        holdings = tuple(_usable(item, held.get(item.key, ()), units) for item in live)
        memory = machine.memory_bytes - sum(item.holds.memory_bytes for item in live)
        slots = sum(map(is_slot, free_units))
        free = Resources(devices=len(free_units) - slots, slots=slots, memory_bytes=memory)
        use = leases.use(connection, leases.DEVICES if machine.devices else leases.SLOTS, now)
        waiting = [entry for entry in rows.waiting(connection, now) if self.able(entry.run)]
        entries = ranked(waiting, use, self.weights())
        decision = decide(entries, holdings, free, now) if machine.closed is None else closed(entries, free)
        return Outlook(
            time=now,
            machine=machine,
            decision=decision,
            granted=_granted(decision, free_units),
            blocked={item.waiting.key: item for item in decision.blocked},
            free=free,
            holdings=live,
            held=held,
        )


def _without_unleased(
    free_units: list[str], live: Iterable[Holding], held: Mapping[_Key, tuple[str, ...]]
) -> list[str]:
    """Leave out what steps use that have leased nothing: they began before there were leases, on the first devices."""
    used = sum(item.holds.devices for item in live if item.key not in held)
    slots = [unit for unit in free_units if is_slot(unit)]
    return [*[unit for unit in free_units if not is_slot(unit)][used:], *slots]


def _usable(item: Holding, units: tuple[str, ...], usable: frozenset[str]) -> Holding:
    """What comes free when it ends: a device that is withheld does not."""
    slots = sum(is_slot(unit) for unit in units if unit in usable)
    devices = sum(unit in usable for unit in units) - slots
    return replace(item, holds=replace(item.holds, devices=devices, slots=slots))


def _granted(decision: Decision, free_units: list[str]) -> dict[_Key, tuple[str, ...]]:
    """Give each step that begins its units, the first ones that are free."""
    slots = [unit for unit in free_units if is_slot(unit)]
    devices = [unit for unit in free_units if not is_slot(unit)]
    granted = {}
    for entry in decision.starts:
        needs = entry.needs
        granted[entry.key] = (*devices[: needs.devices], *slots[: needs.slots])
        devices, slots = devices[needs.devices :], slots[needs.slots :]
    return granted
