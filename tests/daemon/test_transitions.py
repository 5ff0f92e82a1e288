"""Properties of the state machines: ended is final, a run ends when its steps have, whatever happens."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewright.daemon.engine.backoff import backoff_milliseconds
from tunewright.daemon.engine.pausing import PAUSE_WANTED
from tunewright.daemon.engine.schedule import turn
from tunewright.daemon.engine.states import (
    RUN_ENDED,
    STEP_ACTIVE,
    STEP_DONE,
    STEP_ENDED,
    Begin,
    Cancel,
    Fail,
    Failure,
    Halt,
    Pause,
    Preempt,
    Prioritize,
    Ready,
    Resume,
    Reuse,
    RunRecord,
    RunState,
    Skip,
    StepEvent,
    StepRecord,
    StepState,
    Stopped,
    Succeed,
    Up,
)
from tunewright.daemon.engine.transitions import (
    TransitionError,
    run_transition,
    step_transition,
)

FAILURE = Failure(reason="BROKEN", message="it broke")
EVENTS: tuple[StepEvent, ...] = (
    Reuse(source_run="earlier", artifact="sha256:a"),
    Begin(),
    Up(),
    Ready(address="http://127.0.0.1:1"),
    Succeed(artifact="sha256:b"),
    Fail(failure=FAILURE),
    Fail(failure=FAILURE, temporary=True),
    Stopped(),
    Halt(failure=FAILURE),
    Halt(failure=Failure(reason=PAUSE_WANTED, message="somebody asked")),
    Preempt(by_run="other"),
    Preempt(by_run=""),
    Prioritize(priority=100, by="alice"),
    Pause(by="alice"),
    Resume(by="alice"),
    Cancel(mode="graceful"),
    Cancel(mode="now"),
    Skip(because="other"),
)


def a_step(name: str = "one", *needs: str, retries: int = 1) -> StepRecord:
    return StepRecord(
        name=name, verb="train", kind="fake", summary="", needs=needs, digest="sha256:0", service=False,
        retries=retries, action="create", because="",
    )  # fmt: skip


def a_run(*steps: StepRecord) -> RunRecord:
    return RunRecord(
        id="r",
        spec_name="s",
        spec_path="p",
        base_directory="/",
        profile="",
        sets=(),
        plan_digest="d",
        create_time=0,
        steps=steps,
    )


def chains() -> st.SearchStrategy[RunRecord]:
    """Runs of one to five steps, each needing some of those before it."""

    def build(choices: list[list[bool]]) -> RunRecord:
        steps = []
        for position, chosen in enumerate(choices):
            needs = tuple(f"s{other}" for other in range(position) if chosen[other])
            steps.append(a_step(f"s{position}", *needs))
        return a_run(*steps)

    return st.lists(st.lists(st.booleans(), min_size=5, max_size=5), min_size=1, max_size=5).map(build)


happenings = st.lists(st.tuples(st.integers(0, 4), st.sampled_from(EVENTS), st.booleans()), max_size=60)


@pytest.mark.parametrize("state", sorted(STEP_ENDED))
@pytest.mark.parametrize("event", EVENTS, ids=repr)
def test_ended_steps_take_no_event(state: StepState, event: StepEvent) -> None:
    step = replace(a_step(), state=state)
    assert step_transition(step, event, 7) == (step, ())


@pytest.mark.parametrize(
    ("state", "event"),
    [
        (StepState.WAITING, Up()),
        (StepState.WAITING, Stopped()),
        (StepState.RUNNING, Begin()),
        (StepState.RUNNING, Stopped()),
        (StepState.RUNNING, Skip(because="x")),
        (StepState.RETRYING, Succeed()),
        (StepState.STARTING, Reuse(source_run="x")),
    ],
)
def test_events_out_of_place_are_bugs(state: StepState, event: StepEvent) -> None:
    with pytest.raises(TransitionError, match="makes no sense"):
        step_transition(replace(a_step(), state=state), event, 7)


def test_making_room_is_no_retry_and_the_run_goes_on() -> None:
    run, asked = run_transition(
        a_run(replace(a_step(), state=StepState.RUNNING, attempt=1)), "one", Preempt(by_run="r2"), 1
    )
    assert [entry.kind for entry in asked if entry.step] == ["step_preempting"]
    assert run_transition(run, "one", Preempt(by_run="r3"), 2) == (run, ())
    halt = Halt(failure=Failure(reason=PAUSE_WANTED, message="somebody asked"))
    waits, told = run_transition(run, "one", halt, 3)
    assert [entry.kind for entry in told] == ["step_preempted"]
    assert (waits.state, waits.failure, waits.step("one").state) == (RunState.RUNNING, None, StepState.WAITING)
    assert (waits.step("one").retries, waits.step("one").preempted_for) == (2, None)
    watchdog, _ = run_transition(run, "one", Halt(failure=FAILURE), 3)
    assert watchdog.step("one").state is StepState.PAUSED, "it stopped for a reason of its own"
    paused, _ = run_transition(run_transition(run, None, Pause(by="alice"), 2)[0], "one", halt, 3)
    assert (paused.state, paused.step("one").state) == (RunState.PAUSED, StepState.WAITING)


def test_backoff_doubles_to_a_limit() -> None:
    assert [backoff_milliseconds(n) for n in (1, 2, 3, 7, 1000)] == [1000, 2000, 4000, 60000, 60000]


@settings(max_examples=400, deadline=None)
@given(chains(), happenings)
def test_whatever_happens(run: RunRecord, happened: list[tuple[int, StepEvent, bool]]) -> None:
    now = 0
    for position, event, whole in happened:
        now += 1000
        target = (
            None
            if whole and isinstance(event, Cancel | Pause | Prioritize | Resume)
            else run.steps[position % len(run.steps)].name
        )
        before = run
        try:
            run, entries = run_transition(run, target, event, now)
        except TransitionError:
            continue
        assert (run == before) == (entries == ()), "every change is told, and nothing else is"
        for old, new in zip(before.steps, run.steps, strict=True):
            if old.state in STEP_ENDED:
                assert new == old
            assert new.attempt - old.attempt in (0, 1)
            assert new.attempt <= new.retries + 1, "going on after a pause costs no retry"
            if new.state in STEP_ENDED:
                assert new.end_time is not None
        assert (run.state in RUN_ENDED) == all(step.state in STEP_ENDED for step in run.steps)
        if before.state in RUN_ENDED:
            assert run == before
        if run.state is RunState.SUCCEEDED:
            assert not {StepState.FAILED, StepState.CANCELLED} & {step.state for step in run.steps}
        if run.state is RunState.PAUSED and before.state is not RunState.PAUSED:
            assert not any(step.state in STEP_ACTIVE for step in run.steps)
            assert run.failure is not None, "a run that rests says why"
            assert not turn(run, now).ready
        if run.state is RunState.FAILED:
            assert run.failure is not None
            assert run.step(run.failure.step).state is StepState.FAILED
        ends = [entry.kind for entry in entries if entry.kind in ("run_succeeded", "run_failed", "run_cancelled")]
        assert len(ends) == (run.state in RUN_ENDED and before.state not in RUN_ENDED)


@settings(max_examples=200, deadline=None)
@given(chains(), st.lists(st.sampled_from(("succeed", "fail", "temporary", "reuse")), min_size=60, max_size=60))
def test_following_the_schedule_always_comes_to_an_end(run: RunRecord, outcomes: list[str]) -> None:
    now = 0
    for outcome in outcomes:
        found = turn(run, now)
        if not found.ready:
            if found.next_look is None:
                break
            now = found.next_look
            continue
        step = found.ready[0]
        assert all(run.step(name).state in STEP_DONE for name in step.needs)
        if outcome == "reuse" and step.state is StepState.WAITING:
            run, _ = run_transition(run, step.name, Reuse(source_run="x"), now)
            continue
        run, _ = run_transition(run, step.name, Begin(), now)
        event = Succeed() if outcome in ("succeed", "reuse") else Fail(failure=FAILURE, temporary=outcome != "fail")
        run, _ = run_transition(run, step.name, event, now)
    assert run.state in RUN_ENDED
