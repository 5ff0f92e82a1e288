"""What systemd is told: ready when callers are answered, alive while the event loop is, ending when it ends."""

import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from harness.daemons import Daemon, eventually
from harness.plans import a_plan, a_step, write

from tunewright.client.api import connect
from tunewright.client.errors import ClientError
from tunewright.client.local import socket_target
from tunewright.daemon.service_manager import ServiceManager, take_service_manager
from tunewright.runners.supervision.record import read_processes

WAIT = {"wait_for": "work/go"}


class Manager:
    """The other end: a real datagram socket."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + address[1:] if address.startswith("@") else address)

    def next(self, seconds: float = 60.0) -> dict[str, str]:
        """Return the next message; TimeoutError when none comes in time."""
        self._socket.settimeout(seconds)
        return dict(line.split("=", 1) for line in self._socket.recv(4096).decode().splitlines())

    def forget(self) -> None:
        """Drop what has come so far."""
        with suppress(TimeoutError, BlockingIOError):
            while True:
                self.next(0.0)

    def close(self) -> None:
        """Listen no more."""
        self._socket.close()


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    manager = Manager(str(tmp_path / "notify"))
    yield manager
    manager.close()


@pytest.fixture
def watched(stopped_daemon: Daemon, manager: Manager, monkeypatch: pytest.MonkeyPatch) -> Daemon:
    monkeypatch.setenv("NOTIFY_SOCKET", manager.address)
    monkeypatch.setenv("WATCHDOG_USEC", "600000")
    return stopped_daemon


def test_ready_is_said_when_callers_are_answered_and_not_before(watched: Daemon, manager: Manager) -> None:
    starting = threading.Thread(target=watched.start)
    starting.start()
    first = manager.next()
    with connect(socket_target(watched.home), patience_seconds=0.0) as client:
        assert client.server_info(timeout_seconds=30.0).pid == watched.pid
    starting.join()
    assert first == {"READY": "1", "STATUS": "0 active runs, 0 open calls"}
    assert manager.next()["WATCHDOG"] == "1"

    os.kill(watched.pid, signal.SIGTERM)
    assert eventually(lambda: manager.next().get("STOPPING")) == "1"
    assert watched.wait() == 0


def test_a_daemon_that_is_refused_never_says_that_it_is_ready(watched: Daemon, manager: Manager) -> None:
    assert watched.start("--anonymous").wait() == 3
    with pytest.raises(BlockingIOError):
        manager.next(0.0)


def test_no_sign_of_life_comes_from_a_loop_that_hangs(watched: Daemon, manager: Manager) -> None:
    watched.start(crash_at="hang")
    caller = threading.Thread(target=submit_and_give_up, args=(watched,))
    caller.start()

    def silent() -> bool:
        with suppress(TimeoutError):
            manager.next(1.0)
            return False
        return True

    eventually(silent)
    assert not watched.ended(), "it hangs, and is there"
    watched.kill()
    caller.join()


def submit_and_give_up(daemon: Daemon) -> None:
    with suppress(ClientError):
        daemon.submit(a_plan(a_step("one")))


def test_killing_the_main_process_alone_leaves_its_work_to_the_next_one(watched: Daemon, manager: Manager) -> None:
    """As systemd does it with KillMode=process: SIGTERM, and SIGKILL when that takes too long; others are left alone.

    What was started does not know the manager's socket, so it can't speak for the daemon.
    """
    watched.start()
    run = watched.submit(a_plan(a_step("sft", [WAIT, write("f", "x")]))).run.id
    supervisor, runner = eventually(lambda: all(found := read_processes(watched.bundle(run, "sft"))) and found)
    for process in (supervisor, runner):
        assert b"NOTIFY_SOCKET" not in Path(f"/proc/{process.pid}/environ").read_bytes()
    os.kill(watched.pid, signal.SIGTERM)
    watched.kill()
    assert runner.alive()

    manager.forget()
    watched.start()
    assert manager.next()["READY"] == "1"
    (watched.bundle(run, "sft") / "work" / "go").touch()
    ended = watched.finish(run)
    assert (ended.state, ended.step("sft").attempt) == ("succeeded", 1)


def test_the_kernel_takes_a_runner_before_it_takes_the_daemon(shared_daemon: Daemon) -> None:
    run = shared_daemon.submit(a_plan(a_step("sft", [WAIT, write("f", "x")]))).run.id
    supervisor, runner = eventually(lambda: all(found := read_processes(shared_daemon.bundle(run, "sft"))) and found)
    scores = [int(Path(f"/proc/{pid}/oom_score_adj").read_text()) for pid in (shared_daemon.pid, supervisor.pid)]
    assert int(Path(f"/proc/{runner.pid}/oom_score_adj").read_text()) > max(scores)
    (shared_daemon.bundle(run, "sft") / "work" / "go").touch()
    shared_daemon.finish(run)


@pytest.mark.parametrize("name", ["@tunewright-test-{pid}", "{folder}/notify-2"], ids=["abstract", "file"])
def test_sockets_of_both_kinds_are_told(tmp_path: Path, name: str) -> None:
    manager = Manager(name.format(pid=os.getpid(), folder=tmp_path))
    environment = {"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "3000000", "WATCHDOG_PID": str(os.getpid())}
    told = take_service_manager(environment)
    assert environment == {}
    assert told.watchdog_seconds == 3.0
    told.ready("well")
    assert manager.next() == {"READY": "1", "STATUS": "well"}
    manager.close()
    told.stopping()  # nobody listens any more: nothing to wait for


def test_nobody_is_told_where_nobody_asked() -> None:
    assert take_service_manager({}) == ServiceManager()
    assert take_service_manager({"WATCHDOG_USEC": "1000000", "WATCHDOG_PID": "1"}).watchdog_seconds is None
    assert take_service_manager({"NOTIFY_SOCKET": "vsock:2:1"}).address is None
    inherited = {"NOTIFY_SOCKET": "/run/notify", "WATCHDOG_USEC": "1000000"}
    assert take_service_manager(inherited, private=True) == ServiceManager()
    assert inherited == {}
