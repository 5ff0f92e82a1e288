"""Cancellation and deadlines: asked first, killed after the grace time, and nothing survives."""

import os
import sys

import pytest

from tunewright.daemon import supervise
from tunewright.runners.contract import Command, Deadlines
from tunewright.runners.supervision.processes import read_row

STUBBORN = [{"ignore_term": True}, {"emit": {"kind": "phase", "name": "deaf"}}, {"hang": 600}]

#: Notes that it was asked to end, and goes on.
HEEDLESS = """
import signal
from pathlib import Path
signal.signal(signal.SIGTERM, lambda *_: Path("asked").touch())
Path("ready").touch()
while True:
    signal.pause()
"""


def gone(pid: int) -> bool:
    return (row := read_row(pid)) is None or row.state == "Z"


def test_a_graceful_cancel_lets_the_runner_end(bundle):
    bundle.launch([{"emit": {"kind": "phase", "name": "busy"}}, {"sleep": 600}])
    bundle.reached("busy")
    supervise.request_cancel(bundle.path, "graceful", "the user changed their mind")
    record = bundle.finish()
    assert (record.code, record.reason, record.message) == (130, "CANCELLED", "the user changed their mind")
    assert record.signal is None


def test_a_runner_that_ignores_sigterm_is_killed_after_its_grace(bundle):
    bundle.launch(command=Command(argv=(sys.executable, "-P", "-c", HEEDLESS)), deadlines=Deadlines(grace_seconds=2))
    bundle.eventually((bundle.path / "work" / "ready").exists)
    supervise.request_cancel(bundle.path, "graceful", "enough")
    record = bundle.finish()
    assert (record.code, record.signal, record.reason) == (130, 9, "CANCELLED")
    assert "grace" in record.message
    assert (bundle.path / "work" / "asked").exists(), "it is asked before it is killed"


def test_now_shortens_a_graceful_cancel(bundle):
    bundle.launch(STUBBORN, deadlines=Deadlines(grace_seconds=600))
    bundle.reached("deaf")
    supervise.request_cancel(bundle.path, "graceful", "please")
    supervise.request_cancel(bundle.path, "now", "at once")
    supervise.request_cancel(bundle.path, "graceful", "does not lengthen")
    record = bundle.finish()
    assert (record.code, record.signal) == (130, 9)


def test_a_cancel_before_the_start_starts_nothing(bundle):
    supervise.request_cancel(bundle.path, "graceful", "too late")
    record = bundle.play([{"write": {"path": "work/x", "text": "x"}}])
    assert (record.code, record.reason, record.started) == (130, "CANCELLED", None)
    assert not (bundle.path / "claim.json").exists()
    assert bundle.events() == []


def test_any_cancel_file_cancels(bundle):
    bundle.launch([{"sleep": 600}])
    (bundle.path / "cancel").touch()
    assert bundle.finish().reason == "CANCELLED"


def test_the_total_deadline_ends_the_attempt(bundle):
    record = bundle.play([{"sleep": 600}], deadlines=Deadlines(total_seconds=0.8))
    assert (record.code, record.reason, record.message) == (1, "DEADLINE", "not done within 0.8 s")


def test_a_silent_runner_is_stalled(bundle):
    deadlines = Deadlines(stall_seconds=1.0, grace_seconds=0.2)
    record = bundle.play([*STUBBORN], deadlines=deadlines)
    assert (record.code, record.signal, record.reason) == (1, 9, "STALLED")
    assert "no event for 1 s" in record.message


def test_events_keep_a_runner_from_stalling(bundle):
    beats = [{"emit": {"kind": "heartbeat"}}, {"sleep": 0.2}] * 20
    record = bundle.play(beats, deadlines=Deadlines(stall_seconds=3.0))
    assert record.reason == "SUCCEEDED"
    assert record.seconds > 3.0


@pytest.mark.parametrize("own_session", [False, True])
def test_orphans_are_dead_before_the_exit_record(bundle, own_session):
    assert bundle.play([{"spawn_orphan": own_session}]).reason == "SUCCEEDED"
    assert gone(bundle.orphan())


def test_orphans_of_a_killed_runner_are_dead_before_the_exit_record(bundle):
    bundle.launch([{"spawn_orphan": True}, {"sleep": 600}])
    orphan = bundle.orphan()
    os.kill(bundle.runner(), 9)
    assert bundle.finish().reason == "KILLED"
    assert gone(orphan)
