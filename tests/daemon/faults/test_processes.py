"""Processes that hang, can't be killed, come back under another's number, or vanish with the whole machine."""

import ast
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.daemons import PACKAGE_ROOT, PLAN_DAEMON, Daemon, eventually, source_of
from harness.plans import a_plan, a_step, write

from tunewright.client.api import Client, connect
from tunewright.client.errors import ClientError, UnreachableError
from tunewright.client.local import socket_target
from tunewright.client.values import SpecSource
from tunewright.compiler.ir.plan import Limits
from tunewright.daemon import supervise
from tunewright.runners.supervision.processes import ProcessIdentity
from tunewright.runners.supervision.record import read_processes

WAIT = {"wait_for": "work/go"}
FREEZER = Path("/sys/fs/cgroup/freezer")


def processes_of(daemon: Daemon, run: str, step: str) -> tuple[ProcessIdentity, ProcessIdentity]:
    return eventually(lambda: all(found := read_processes(daemon.bundle(run, step))) and found)


def test_stopped_runner_is_noticed_by_its_silence(shared_daemon: Daemon) -> None:
    limits = Limits(grace_seconds=0.3, stall_seconds=1.0, retries=0)
    said = {"emit": {"kind": "phase", "name": "training"}}
    run = shared_daemon.submit(a_plan(a_step("sft", [said, {"hang": 600}], limits=limits))).run.id
    _, runner = processes_of(shared_daemon, run, "sft")
    os.kill(runner.pid, signal.SIGSTOP)
    ended = shared_daemon.finish(run)
    assert ended.failure.reason == "STALLED"
    assert not runner.alive()


@pytest.fixture
def freezer() -> Iterator[Path]:
    """A group whose processes no signal reaches while it is frozen, as in a driver that does not come back."""
    group = FREEZER / f"tunewright-test-{os.getpid()}"
    try:
        group.mkdir()
    except OSError:
        pytest.skip("making a freezer group is not allowed here")
    yield group
    (group / "freezer.state").write_text("THAWED")
    eventually(lambda: not (group / "cgroup.procs").read_text())
    group.rmdir()


def test_process_that_can_not_be_killed_is_told_and_never_called_dead(shared_daemon: Daemon, freezer: Path) -> None:
    run = shared_daemon.submit(a_plan(a_step("sft", [WAIT], limits=Limits(retries=3)))).run.id
    supervisor, runner = processes_of(shared_daemon, run, "sft")
    (freezer / "cgroup.procs").write_text(str(runner.pid))
    (freezer / "freezer.state").write_text("FROZEN")
    eventually(lambda: (freezer / "freezer.state").read_text() == "FROZEN\n")
    os.kill(supervisor.pid, signal.SIGKILL)

    ended = shared_daemon.finish(run)

    assert runner.alive()
    assert ended.failure.reason == "UNKILLABLE"
    assert str(runner.pid) in ended.failure.message
    assert ended.step("sft").attempt == 1, "nothing is started beside it"
    (freezer / "freezer.state").write_text("THAWED")
    eventually(lambda: not runner.alive())


REUSE = """
import os, subprocess, sys
from pathlib import Path
from tunewright.daemon import supervise
from tunewright.runners.supervision.processes import boot_id, identify
from tunewright.runners.contract import write_durably
bundle = Path(sys.argv[1])
first = subprocess.Popen(["sleep", "600"], start_new_session=True)
old = identify(first.pid)
first.kill(); first.wait()
while identify(os.getpid()).start_ticks == old.start_ticks: pass
import time
while int(time.clock_gettime(time.CLOCK_BOOTTIME) * 100) - old.start_ticks < 2: time.sleep(0.01)
Path("/proc/sys/kernel/ns_last_pid").write_text(str(first.pid - 1))
second = subprocess.Popen(["sleep", "600"], start_new_session=True)
assert second.pid == first.pid, (second.pid, first.pid)
write_durably(bundle / "supervisor.json", {"supervisor": old.to_json(), "runner": old.to_json()})
assert not old.alive()
assert supervise.kill_leftovers(bundle) == frozenset()
assert second.poll() is None, "somebody else's process was killed"
second.kill()
print("reused")
"""


def in_a_namespace(*command: str) -> list[str]:
    return ["unshare", "--pid", "--mount", "--fork", "--kill-child", "--mount-proc", *command]


def needs_namespaces() -> None:
    if subprocess.run(in_a_namespace("true"), capture_output=True).returncode:
        pytest.skip("making namespaces is not allowed here")


def test_pid_that_the_kernel_gives_out_again_is_not_hit(tmp_path: Path) -> None:
    needs_namespaces()
    environment = {**os.environ, "PYTHONPATH": PACKAGE_ROOT}
    command = in_a_namespace(sys.executable, "-P", "-c", REUSE, str(tmp_path))
    found = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert found.stdout == "reused\n", found.stderr


def test_restart_of_the_machine_costs_the_attempt_and_no_run(stopped_daemon: Daemon, tmp_path: Path) -> None:
    """The machine is a namespace of processes with a boot id of its own; its end is that of its first process."""
    needs_namespaces()
    daemon, boot = stopped_daemon, tmp_path / "boot_id"
    daemon.home.mkdir(mode=0o700)
    boot.write_text("00000000-1111-2222-3333-444444444444\n")
    start = f'mount --bind {boot} /proc/sys/kernel/random/boot_id && exec "$@"'
    command = [sys.executable, "-P", str(PLAN_DAEMON), "--home", str(daemon.home)]
    environment = {**os.environ, "PYTHONPATH": PACKAGE_ROOT}
    machine = subprocess.Popen(in_a_namespace("sh", "-c", start, "sh", *command), env=environment)
    with connect(socket_target(daemon.home)) as client:
        eventually(lambda: reachable(client))
        run = client.create_run(source_of(a_plan(a_step("sft", [WAIT, write("f", "x")])))).run.id
        eventually(lambda: client.get_run(run).run.step("sft").state == "running")
        eventually(lambda: all(read_processes(daemon.bundle(run, "sft"))))
    machine.kill()
    machine.wait(60)
    assert '"boot_id": "00000000-1111' in (daemon.bundle(run, "sft") / "supervisor.json").read_text()

    daemon.start()
    second = daemon.bundle(run, "sft", 2) / "work"
    eventually(second.is_dir)
    (second / "go").touch()
    assert daemon.finish(run).state == "succeeded"
    assert [event.body["reason"] for event in daemon.events(run) if event.kind == "step_retrying"] == ["LOST"]


def reachable(client: Client) -> bool:
    try:
        return bool(client.server_info(timeout_seconds=1.0).pid)
    except ClientError:
        return False


def test_hanging_event_loop_ends_the_daemon_and_no_runner(
    stopped_daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HANG_SECONDS", "0.8")
    daemon = stopped_daemon.start()
    run = daemon.submit(a_plan(a_step("sft", [WAIT, write("f", "x")]))).run.id
    _, runner = processes_of(daemon, run, "sft")
    daemon.kill()
    daemon.start(crash_at="hang")
    with pytest.raises(UnreachableError):
        daemon.submit(a_plan(a_step("other")))
    assert daemon.wait() == 70
    assert "the event loop has hung for 0.8 s" in daemon.log
    assert "time.sleep(600)" in daemon.log or "plan_daemon.py" in daemon.log, "where it hangs is told"

    assert runner.alive()
    daemon.start()
    (daemon.bundle(run, "sft") / "work" / "go").touch()
    ended = daemon.finish(run)
    assert (ended.state, ended.step("sft").attempt) == ("succeeded", 1)


def test_second_signal_ends_at_once_what_drains(stopped_daemon: Daemon) -> None:
    """A call that takes long holds the end back; who asks twice does not want to wait for it."""
    daemon = stopped_daemon.start()
    caller = threading.Thread(target=give_up_on, args=(daemon.client, SpecSource(text="slow: 60", base_directory="/")))
    caller.start()
    eventually(lambda: "a slow compilation begins" in daemon.log)
    os.kill(daemon.pid, signal.SIGTERM)
    eventually(lambda: "ending; runners and deployments go on" in daemon.log)
    assert not daemon.ended()
    os.kill(daemon.pid, signal.SIGTERM)
    assert daemon.wait(10) == 128 + signal.SIGTERM
    caller.join()
    daemon.start()
    assert daemon.answers()


def give_up_on(client: Client, source: SpecSource) -> None:
    with contextlib.suppress(ClientError):
        client.check(source)


def test_new_version_takes_over_what_the_old_one_started(stopped_daemon: Daemon, tmp_path: Path) -> None:
    """The old version lies in a folder of its own, and is gone when the new one starts."""
    old = tmp_path / "old"
    shutil.copytree(PACKAGE_ROOT, old, symlinks=False, ignore=shutil.ignore_patterns("__pycache__"))
    daemon = stopped_daemon
    daemon.home.mkdir(mode=0o700)
    environment = {**os.environ, "PYTHONPATH": str(old)}
    command = [sys.executable, "-P", str(PLAN_DAEMON), "--home", str(daemon.home)]
    daemon.process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    eventually(daemon.answers)
    run = daemon.submit(a_plan(a_step("sft", [WAIT, write("f", "x")]))).run.id
    supervisor, _ = processes_of(daemon, run, "sft")
    eventually(lambda: (daemon.bundle(run, "sft") / "events.jsonl").exists())
    assert str(old) in Path(f"/proc/{supervisor.pid}/cmdline").read_text()
    os.kill(daemon.pid, signal.SIGTERM)
    daemon.wait()
    shutil.rmtree(old)

    daemon.start()
    (daemon.bundle(run, "sft") / "work" / "go").touch()
    ended = daemon.finish(run)
    assert (ended.state, ended.step("sft").attempt) == ("succeeded", 1)
    assert daemon.client.get_artifact(ended.step("sft").artifact).intact


def test_the_control_plane_never_forks() -> None:
    """A fork of a process with gRPC's threads may never come back; `preexec_fn` makes every start one."""
    root = Path(__file__).parents[3]
    for path in (*(root / "daemon").rglob("*.py"), *(root / "client").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute):
                assert node.attr not in ("fork", "forkpty"), path
            if isinstance(node, ast.keyword):
                assert node.arg != "preexec_fn", path
    assert supervise.launch  # the supervisor, which forks by hand, has one thread and no gRPC
