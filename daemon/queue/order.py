"""Who is next: a pure function of who waits, who holds what, and what is free.

Steps are taken in order of priority, then of their project's share, then of age. Who does not fit is promised a place:
the earliest moment at which enough is free by what is known of those that run. Somebody behind may begin before only
where that moment does not move: it ends before then, or takes what is left over even then. So a step that needs many
devices is not starved by small ones. A step of a higher priority that does not fit asks preemptible ones of a lower
priority to leave, and only where it fits then.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from tunewright.daemon.clock import Milliseconds
from tunewright.daemon.queue.entries import Holding, Waiting
from tunewright.daemon.queue.resources import NOTHING, Resources


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocked:
    """A step that can't begin. `position` counts from 1; `behind` is the run just before it, None for the first.

    `lacking` names what there is too little of; nothing lacking: what it needs is kept for somebody before it.
    `makes_room` are those that were asked to leave and after which it fits.
    """

    waiting: Waiting
    position: int
    behind: Waiting | None
    lacking: tuple[str, ...]
    free: Resources
    makes_room: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Who begins, who waits, and who is asked to leave for whom."""

    starts: tuple[Waiting, ...] = ()
    blocked: tuple[Blocked, ...] = ()
    victims: Mapping[tuple[str, str], Waiting]


@dataclass(frozen=True, slots=True)
class _Promise:
    """What one that waits must find at a moment (None: nobody knows when): `spare` is what is left over even then."""

    moment: Milliseconds | None
    spare: Resources

    def allows(self, entry: Waiting, now: Milliseconds) -> bool:
        return self._over_by_then(entry, now) or entry.needs.fits(self.spare)

    def after(self, entry: Waiting, now: Milliseconds) -> "_Promise":
        """Return the promise when somebody has begun."""
        return self if self._over_by_then(entry, now) else _Promise(self.moment, self.spare - entry.needs)

    def _over_by_then(self, entry: Waiting, now: Milliseconds) -> bool:
        return self.moment is not None and entry.limit is not None and now + entry.limit <= self.moment


def ranked(waiting: Iterable[Waiting], use: Mapping[str, float], weights: Mapping[str, float]) -> tuple[Waiting, ...]:
    """Return steps in the order of their right to begin; `use` is what each project has had lately."""

    def right(entry: Waiting) -> tuple[int, float, tuple[int, int]]:
        return -entry.priority, use.get(entry.project, 0.0) / weights.get(entry.project, 1.0), entry.age

    return tuple(sorted(waiting, key=right))


def decide(entries: Sequence[Waiting], holdings: Sequence[Holding], free: Resources, now: Milliseconds) -> Decision:
    """Return what becomes of ranked steps; `holdings` are those that hold what is not free."""
    held = list(holdings)
    starts: list[Waiting] = []
    blocked: list[Blocked] = []
    victims: dict[tuple[str, str], Waiting] = {}
    promises: frozenset[_Promise] = frozenset()
    claimed = NOTHING
    for entry in entries:
        lacking = entry.needs.lacking(free)
        if not lacking and all(promise.allows(entry, now) for promise in promises):
            starts.append(entry)
            free -= entry.needs
            held.append(_holding(entry, now))
            promises = frozenset(promise.after(entry, now) for promise in promises)
            continue
        leaving = [item for item in held if item.leaving]
        room = sum((item.holds for item in leaving), free - claimed)
        chosen = _victims(entry, held, room)
        victims |= {item.key: entry for item in chosen}
        gone = {item.key for item in chosen}
        held = [replace(item, leaving=True) if item.key in gone else item for item in held]
        if lacking and entry.needs.fits(room):  # others were asked before, and that will do
            gone = {item.key for item in leaving}
        claimed += entry.needs
        promises |= {_promise(entry.needs, held, free, now)}
        blocked.append(
            Blocked(
                waiting=entry,
                position=len(blocked) + 1,
                behind=blocked[-1].waiting if blocked else None,
                lacking=lacking,
                free=free,
                makes_room=tuple(sorted(gone)),
            )
        )
    return Decision(starts=tuple(starts), blocked=tuple(blocked), victims=victims)


def closed(entries: Sequence[Waiting], free: Resources) -> Decision:
    """Return that all of them wait: nothing begins, and nobody makes room for it."""
    blocked = tuple(
        Blocked(
            waiting=entry,
            position=index + 1,
            behind=entries[index - 1] if index else None,
            lacking=entry.needs.lacking(free),
            free=free,
        )
        for index, entry in enumerate(entries)
    )
    return Decision(blocked=blocked, victims={})


def _holding(entry: Waiting, now: Milliseconds) -> Holding:
    return Holding(
        run=entry.run,
        step=entry.step,
        project=entry.project,
        priority=entry.priority,
        holds=entry.needs,
        start=now,
        limit=entry.limit,
    )


def _promise(needs: Resources, held: Sequence[Holding], free: Resources, now: Milliseconds) -> _Promise:
    """Where nobody knows when there is enough, all that is needed of what is free is kept."""
    ends = [(end, item.holds) for item in held if (end := item.end(now)) is not None]
    known = sorted(ends, key=lambda pair: pair[0])
    room = free
    for index, (moment, holds) in enumerate(known):
        room += holds
        # Those that end at the same moment go together.
        if needs.fits(room) and (index + 1 == len(known) or known[index + 1][0] > moment):
            return _Promise(moment, room - needs)
    return _Promise(None, free - needs)


def _victims(entry: Waiting, held: Sequence[Holding], room: Resources) -> list[Holding]:
    """Return who has to leave so that a step fits into `room`: the least urgent, and of those the youngest.

    Nobody where it fits anyway, when those have left who were asked before, or would not fit even then.
    """
    if entry.needs.fits(room):
        return []
    able = [item for item in held if item.preemptible and not item.leaving and item.priority < entry.priority]
    chosen: list[Holding] = []
    for item in sorted(able, key=lambda item: (item.priority, -item.start, item.key)):
        if entry.needs.fits(room):
            break
        chosen.append(item)
        room += item.holds
    if not entry.needs.fits(room):
        return []
    for item in reversed(chosen):
        if entry.needs.fits(room - item.holds):
            chosen.remove(item)
            room -= item.holds
    return chosen
