"""Clocks: time passes between any two lines, and somebody may set it, forwards and backwards."""

from dataclasses import replace

import pytest
from harness.daemons import Daemon
from harness.plans import a_plan, a_shell_step, a_step

from tunewright.daemon.engine.schedule import turn
from tunewright.daemon.engine.states import RunRecord, RunState, StepRecord, StepState

DAY = 86_400_000


def test_pause_that_ends_between_two_looks_at_the_clock_is_not_waited_out_for_ever(
    stopped_daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Found by the crash matrix: the first look found the pause not over, the second one no pause to wait for."""
    monkeypatch.setenv("CLOCK_STEP", "300")
    daemon = stopped_daemon.start()
    once = a_shell_step("once", "case $TW_ATTEMPT in */1) exit 75;; esac")
    run = daemon.finish(daemon.submit(a_plan(once)).run.id)
    assert (run.state, run.step("once").attempt) == ("succeeded", 2)


@pytest.mark.parametrize(("jump", "begins"), [(0, False), (10 * DAY, True), (-10 * DAY, True), (-30_000, False)])
def test_clock_that_jumps_makes_nobody_wait_for_days(jump: int, begins: bool) -> None:
    step = StepRecord(
        name="one", verb="train", kind="fake", summary="", needs=(), digest="sha256:0", service=False, retries=1,
        action="create", because="", state=StepState.RETRYING, attempt=1, not_before=1000 * DAY + 20_000,
    )  # fmt: skip
    run = RunRecord(
        id="r", spec_name="s", spec_path="p", base_directory="/", profile="", sets=(), plan_digest="d", create_time=0,
        steps=(step,), state=RunState.RUNNING,
    )  # fmt: skip
    found = turn(run, 1000 * DAY + jump)
    assert bool(found.ready) is begins
    assert begins or found.next_look == step.not_before
    assert replace(run).steps[0] is step


def test_events_are_in_the_order_in_which_they_happened_whatever_the_clock_says(
    stopped_daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLOCK_STEP", str(-DAY))
    daemon = stopped_daemon.start()
    run = daemon.finish(daemon.submit(a_plan(a_step("one"), a_step("two", needs=["one"]))).run.id)
    found = daemon.events(run.id)
    assert [event.kind for event in found if event.kind.startswith("step_s")] == ["step_started", "step_succeeded"] * 2
    assert found[0].time > found[-1].time
