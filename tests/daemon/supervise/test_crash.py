"""Daemon, supervisor and runner die in every combination: nothing runs twice or unwatched, nobody else is hit."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import tunewright
from tunewright.daemon import supervise
from tunewright.runners.contract import Command, write_durably
from tunewright.runners.supervision.processes import boot_id, identify, read_row, read_table
from tunewright.runners.supervision.spawn import spawn_supervisor

LAUNCH = """
import json, os, signal, sys
from pathlib import Path
from tunewright.daemon import supervise
from tunewright.runners.contract import StepFile
supervise.launch(Path(sys.argv[1]), StepFile.from_json(json.loads(sys.argv[2])))
os.kill(os.getpid(), signal.SIGKILL)
"""


def gone(pid: int) -> bool:
    return (row := read_row(pid)) is None or row.state == "Z"


def command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


def test_an_attempt_outlives_a_killed_daemon(bundle):
    step = json.dumps(bundle.step([{"wait_for": "work/go"}]).to_json())
    environment = {**os.environ, "PYTHONPATH": str(Path(tunewright.__file__).parents[1])}
    daemon = subprocess.run([sys.executable, "-P", "-c", LAUNCH, str(bundle.path), step], env=environment, timeout=60)
    assert daemon.returncode == -signal.SIGKILL
    assert isinstance(supervise.probe(bundle.path), supervise.Running)
    (bundle.path / "work" / "go").touch()
    assert bundle.finish().reason == "SUCCEEDED"


def test_a_supervisor_ignores_polite_signals(bundle):
    bundle.launch([{"wait_for": "work/go"}])
    bundle.runner()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        os.kill(bundle.supervisor(), number)
    (bundle.path / "work" / "go").touch()
    assert bundle.finish().reason == "SUCCEEDED"


def test_a_killed_supervisor_takes_the_runner_along(bundle):
    bundle.launch([{"spawn_orphan": True}, {"sleep": 600}])
    orphan, runner = bundle.orphan(), bundle.runner()
    os.kill(bundle.supervisor(), signal.SIGKILL)
    bundle.eventually(lambda: supervise.probe(bundle.path) == supervise.Lost())
    bundle.eventually(lambda: gone(runner))
    assert not gone(orphan)
    assert supervise.kill_leftovers(bundle.path) == frozenset()
    assert gone(orphan)
    bundle.launch([])
    assert supervise.probe(bundle.path) == supervise.Lost()


def test_a_supervisor_killed_before_its_claim_may_be_started_again(bundle):
    fifo = bundle.path / "step.json"  # reading it blocks the supervisor between lock and claim
    bundle.path.mkdir()
    os.mkfifo(fifo)
    child = spawn_supervisor(bundle.path)
    bundle.eventually(lambda: isinstance(supervise.probe(bundle.path), supervise.Running))
    child.kill()
    child.wait(90)
    assert supervise.probe(bundle.path) == supervise.NotStarted()
    fifo.unlink()
    assert bundle.play([]).reason == "SUCCEEDED"


@pytest.mark.parametrize("delay_ms", range(0, 160, 10))
def test_a_supervisor_killed_at_any_moment_never_starts_twice(bundle, delay_ms):
    """Kill it some milliseconds after its start, recover as the daemon does, and count the starts of the runner."""
    command = Command(argv=("sh", "-c", "echo start >> starts; exec sleep 600"))
    bundle.launch(command=command)
    mark = f"supervisor.py\0{bundle.path}"  # it stands there a moment after the exec
    supervisor = bundle.eventually(lambda: next((pid for pid in read_table() if mark in command_line(pid)), None))
    threading.Event().wait(delay_ms / 1000)
    os.kill(supervisor, signal.SIGKILL)
    state = bundle.eventually(lambda: None if isinstance(s := supervise.probe(bundle.path), supervise.Running) else s)
    starts = bundle.path / "work" / "starts"
    if state == supervise.NotStarted():
        assert not starts.exists()
        bundle.launch(command=command)
        bundle.eventually(starts.exists)
        supervise.request_cancel(bundle.path, "now", "seen enough")
        assert bundle.finish().reason == "CANCELLED"
    else:
        assert state == supervise.Lost()
        assert supervise.kill_leftovers(bundle.path) == frozenset()
        bundle.launch(command=command)
        assert supervise.probe(bundle.path) == supervise.Lost()
    assert not starts.exists() or starts.read_text() in ("", "start\n")  # killed before or after it wrote


def test_leftovers_of_a_living_attempt_are_left_alone(bundle):
    bundle.launch([{"wait_for": "work/go"}])
    runner = bundle.runner()
    supervise.kill_leftovers(bundle.path)
    assert not gone(runner)


def test_a_reused_pid_is_not_trusted(bundle):
    bystander = subprocess.Popen(["sleep", "600"], start_new_session=True)
    try:
        identity = identify(bystander.pid)
        forged = {"pid": bystander.pid, "start_ticks": identity.start_ticks + 1, "boot_id": boot_id()}
        of_old = {"pid": bystander.pid, "start_ticks": identity.start_ticks, "boot_id": "another-boot"}
        bundle.path.mkdir()
        write_durably(bundle.path / "step.json", bundle.step([]).to_json())
        for lie in (forged, of_old, {"pid": -1}, {"pid": 1, "start_ticks": 0, "boot_id": boot_id()}, None, [1]):
            write_durably(bundle.path / "supervisor.json", {"supervisor": lie, "runner": lie})
            supervise.kill_leftovers(bundle.path)
            assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait(90)


def test_an_attempt_with_another_bundle_is_not_hit(bundle, tmp_path):
    bundle.launch([{"wait_for": "work/go"}])
    runner = bundle.runner()
    twin = tmp_path / "twin"
    twin.mkdir()
    write_durably(twin / "step.json", bundle.step([]).to_json())
    supervise.kill_leftovers(twin)
    assert not gone(runner)


def test_an_exit_record_that_is_not_one_means_lost(bundle):
    bundle.path.mkdir()
    for text in ("", "{", "[]", '{"code": 0}'):
        (bundle.path / "exit.json").write_text(text)
        assert supervise.probe(bundle.path) == supervise.Lost()
