"""Who is next: by example, and what holds however many wait for whatever."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from tunewright.daemon.queue.entries import Holding, Waiting
from tunewright.daemon.queue.order import Decision, decide, ranked
from tunewright.daemon.queue.resources import NOTHING, Resources

NOW = 1_000_000


def waits(name: str, devices: int = 1, *, priority: int = 0, limit: int | None = None, **more: object) -> Waiting:
    age = (int.from_bytes(name.encode().ljust(4)), 0)
    needs = Resources(devices=devices)
    found = Waiting(run=name, step="sft", project="default", priority=priority, age=age, needs=needs, limit=limit)
    return replace(found, **more)


def holds(name: str, devices: int = 1, *, priority: int = 0, limit: int | None = None, **more: object) -> Holding:
    found = Holding(
        run=name,
        step="sft",
        project="default",
        priority=priority,
        holds=Resources(devices=devices),
        start=NOW - 100,
        limit=limit,
    )
    return replace(found, **more)


def decided(waiting: list[Waiting], held: list[Holding], devices: int) -> Decision:
    free = Resources(devices=devices) - sum((item.holds for item in held), NOTHING)
    return decide(ranked(waiting, {}, {}), held, free, NOW)


def begun(decision: Decision) -> list[str]:
    return [entry.run for entry in decision.starts]


def test_priority_comes_before_share_and_share_before_age() -> None:
    old, young = waits("a", project="busy"), waits("b", project="idle")
    urgent = waits("c", project="busy", priority=100)
    use = {"busy": 100.0, "idle": 10.0}
    assert [entry.run for entry in ranked([old, young, urgent], use, {})] == ["c", "b", "a"]
    assert [entry.run for entry in ranked([old, young, urgent], use, {"busy": 20.0})] == ["c", "a", "b"]
    assert [entry.run for entry in ranked([young, old], {}, {})] == ["a", "b"]


def test_a_gang_gets_all_or_nothing_and_says_what_is_missing() -> None:
    decision = decided([waits("gang", 8)], [holds("x", 2)], 8)
    assert begun(decision) == []
    (blocked,) = decision.blocked
    assert (blocked.position, blocked.behind, blocked.lacking) == (1, None, ("devices",))
    assert blocked.free.devices == 6


def test_small_steps_do_not_starve_a_gang() -> None:
    running = holds("x", 2, limit=1000)
    endless, short = waits("zz", 1), waits("zy", 1, limit=500)
    decision = decided([waits("gang", 4), endless, short], [running], 4)
    assert begun(decision) == ["zy"], "it ends before the gang could begin"
    assert [item.waiting.run for item in decision.blocked] == ["gang", "zz"]
    assert decision.blocked[1].lacking == (), "there is room, kept for the gang"
    assert decision.blocked[1].behind == decision.blocked[0].waiting


def test_nothing_is_let_past_where_nobody_knows_when_the_gang_can_begin() -> None:
    assert begun(decided([waits("gang", 4), waits("zz", 1, limit=5)], [holds("x", 2)], 4)) == []


def test_what_a_gang_does_not_need_is_for_others() -> None:
    decision = decided([waits("gang", 4), waits("zz", 1)], [holds("x", 4, limit=1000), holds("y", 1)], 6)
    assert begun(decision) == ["zz"]


def test_a_processor_s_step_does_not_wait_for_a_gang() -> None:
    on_cpu = waits("zz", 0, needs=Resources(slots=1))
    held = [holds("x", 2)]
    decision = decide((waits("gang", 4), on_cpu), held, Resources(devices=2, slots=1), NOW)
    assert begun(decision) == ["zz"]


def test_the_least_urgent_and_youngest_make_room_and_no_more_than_needed() -> None:
    held = [
        holds("old", 2, preemptible=True, start=NOW - 900),
        holds("young", 2, preemptible=True, start=NOW - 10),
        holds("low", 1, priority=-100, preemptible=True),
        holds("peer", 2, priority=100, preemptible=True),
        holds("firm", 1),
    ]
    decision = decided([waits("zz", 2, priority=100)], held, 8)
    assert {key[0] for key in decision.victims} == {"young"}, "the low one alone would not do, and is spared"
    assert decision.blocked[0].makes_room == (("young", "sft"),)


def test_nobody_makes_room_for_nothing() -> None:
    held = [holds("a", 2, preemptible=True), holds("firm", 6)]
    assert decided([waits("zz", 4, priority=100)], held, 8).victims == {}
    assert decided([waits("zz", 2, priority=100)], [replace(held[0], leaving=True), held[1]], 8).victims == {}
    # What is freed would be kept for the gang before it, which needs more than could be freed.
    gang = waits("g", 8, priority=200)
    assert decided([gang, waits("zz", 2, priority=100)], held, 8).victims == {}


def test_two_urgent_steps_get_room_from_two() -> None:
    held = [holds("a", 1, preemptible=True), holds("b", 1, preemptible=True)]
    decision = decided([waits("y", 1, priority=100), waits("z", 1, priority=100)], held, 2)
    assert {key[0]: entry.run for key, entry in decision.victims.items()} == {"a": "y", "b": "z"}


def test_what_comes_free_for_a_preemptor_is_taken_by_nobody_else() -> None:
    leaving = holds("a", 1, preemptible=True, leaving=True)
    decision = decided([waits("y", 2, priority=100), waits("z", 1)], [leaving], 2)
    assert begun(decision) == []
    assert [item.makes_room for item in decision.blocked] == [(("a", "sft"),), ()]


AMOUNTS = st.builds(
    Resources,
    devices=st.integers(0, 4),
    slots=st.integers(0, 2),
    memory_bytes=st.sampled_from([0, 0, 1, 3]),
)
LIMITS = st.sampled_from([None, None, 10, 100, 1000])
PRIORITY = st.sampled_from([-100, 0, 0, 100])


@st.composite
def queues(draw: st.DrawFn) -> tuple[tuple[Waiting, ...], tuple[Holding, ...], Resources]:
    count = draw(st.integers(0, 7))
    entries = [
        waits(
            chr(97 + number),
            needs=draw(AMOUNTS),
            limit=draw(LIMITS),
            priority=draw(PRIORITY),
            project=draw(st.sampled_from(["p", "q"])),
        )
        for number in range(count)
    ]
    held = tuple(
        holds(
            f"r{number}",
            holds=draw(AMOUNTS),
            limit=draw(LIMITS),
            start=NOW - draw(st.integers(0, 200)),
            priority=draw(PRIORITY),
            preemptible=draw(st.booleans()),
            leaving=draw(st.sampled_from([False, False, True])),
        )
        for number in range(draw(st.integers(0, 5)))
    )
    use = {"p": draw(st.floats(0, 10)), "q": draw(st.floats(0, 10))}
    return ranked(entries, use, {}), held, draw(AMOUNTS)


def earliest(needs: Resources, held: list[Holding], free: Resources, *, later: bool = False) -> float:
    """Return when there is enough, by what is known, `later`: when something has ended. Written another way than the
    code under test.
    """
    ends = {moment for item in held if (moment := item.end(NOW)) is not None}
    for moment in sorted(ends if later else ends | {NOW}):
        gone = [item.holds for item in held if (end := item.end(NOW)) is not None and end <= moment]
        if needs.fits(free + sum(gone, NOTHING)):
            return moment
    return float("inf")


def as_holding(entry: Waiting) -> Holding:
    return holds(entry.run, holds=entry.needs, start=NOW, limit=entry.limit)


@settings(max_examples=300, deadline=None)
@given(queues())
def test_everybody_begins_or_waits_and_what_begins_has_room(
    queue: tuple[tuple[Waiting, ...], tuple[Holding, ...], Resources],
) -> None:
    entries, held, free = queue
    decision = decide(entries, held, free, NOW)
    assert sorted([*decision.starts, *(item.waiting for item in decision.blocked)], key=entries.index) == list(entries)
    assert [item.position for item in decision.blocked] == list(range(1, len(decision.blocked) + 1))
    taken = sum((entry.needs for entry in decision.starts), NOTHING)
    assert taken.fits(free)
    if entries and entries[0].needs.fits(free):
        assert entries[0] in decision.starts, "the first one never waits for others"
    assert decision == decide(entries, held, free, NOW)


@settings(max_examples=300, deadline=None)
@given(queues())
def test_who_begins_out_of_turn_delays_nobody_before_it(
    queue: tuple[tuple[Waiting, ...], tuple[Holding, ...], Resources],
) -> None:
    entries, held, free = queue
    held = tuple(replace(item, preemptible=False) for item in held)
    decision = decide(entries, held, free, NOW)
    for blocked in decision.blocked:
        place = entries.index(blocked.waiting)
        before = [entry for entry in decision.starts if entries.index(entry) < place]
        needs = blocked.waiting.needs
        free_before = free - sum((entry.needs for entry in before), NOTHING)
        free_after = free - sum((entry.needs for entry in decision.starts), NOTHING)
        # There is enough, and somebody before it is promised that: it can't begin before something ends.
        reserved = needs.fits(free_before)
        moment = earliest(needs, [*held, *map(as_holding, before)], free_before, later=reserved)
        assert earliest(needs, [*held, *map(as_holding, decision.starts)], free_after) <= moment
        if moment == float("inf"):
            for name in ("devices", "slots", "memory_bytes"):
                kept = min(getattr(needs, name), getattr(free_before, name))
                assert getattr(free_after, name) >= kept or not getattr(needs, name)


@settings(max_examples=300, deadline=None)
@given(queues())
def test_who_makes_room_is_less_urgent_and_each_of_them_is_needed(
    queue: tuple[tuple[Waiting, ...], tuple[Holding, ...], Resources],
) -> None:
    entries, held, free = queue
    decision = decide(entries, held, free, NOW)
    by_key = {item.key: item for item in held}
    for key, entry in decision.victims.items():
        victim = by_key[key]
        assert victim.preemptible
        assert not victim.leaving
        assert victim.priority < entry.priority
    if len(decision.blocked) == 1 and decision.victims:
        (blocked,) = decision.blocked
        left = free - sum((entry.needs for entry in decision.starts), NOTHING)
        room = left + sum((item.holds for item in held if item.leaving), NOTHING)
        gone = [by_key[key].holds for key in blocked.makes_room]
        needs = blocked.waiting.needs
        if entries[-1] == blocked.waiting:
            assert needs.fits(room + sum(gone, NOTHING))
            assert not any(needs.fits(room + sum(gone, NOTHING) - one) for one in gone)
