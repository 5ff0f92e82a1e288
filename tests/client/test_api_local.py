"""The typed client from outside: who is not there, who is started, what is said when that fails."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.daemons import Daemon, eventually
from harness.plans import a_plan, a_step

import tunewright
from tunewright.client.api import Client, connect
from tunewright.client.errors import RefusedError, UnreachableError
from tunewright.client.local import ensure_daemon, socket_target
from tunewright.client.values import SpecSource


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A home whose private daemon does not outlive the test."""
    home = tmp_path / "home"
    yield home
    try:
        with connect(socket_target(home)) as client:
            client.shutdown()
    except UnreachableError:
        pass


def test_nobody_there_is_unreachable_and_names_the_target(tmp_path: Path) -> None:
    with connect(f"unix:{tmp_path}/daemon.sock") as client, pytest.raises(UnreachableError) as caught:
        client.server_info()
    assert caught.value.target == f"unix:{tmp_path}/daemon.sock"
    assert "no Tunewright daemon answers" in str(caught.value)


def test_one_that_never_answers_is_unreachable() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        port = silent.getsockname()[1]
        with connect(f"127.0.0.1:{port}") as client, pytest.raises(UnreachableError):
            client.server_info(timeout_seconds=0.3)


def test_watch_gives_up_when_nobody_comes_back(daemon: Daemon) -> None:
    run = daemon.submit(a_plan(a_step("long", [{"sleep": 300}]))).run.id
    events = daemon.client.watch(run, patience_seconds=0.5)
    next(events)
    daemon.kill()
    with pytest.raises(UnreachableError):
        list(events)


def test_pages_are_walked(daemon: Daemon) -> None:
    emit = [{"emit": {"kind": "phase", "name": str(n)}} for n in range(1100)]
    run = daemon.finish(daemon.submit(a_plan(a_step("sft", emit))).run.id)
    assert len(daemon.events(run.id)) == run.last_sequence > 1000


def test_private_daemon_is_started_once_and_found_again(home: Path) -> None:
    clients: list[Client] = []
    threads = [threading.Thread(target=lambda: clients.append(ensure_daemon(home))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    try:
        found = [client.server_info() for client in clients]
        assert len(found) == 3
        assert len({item.pid for item in found}) == 1
        assert found[0].private
        assert found[0].version == tunewright.__version__
        assert os.getsid(found[0].pid) == found[0].pid, "Ctrl-C in the terminal must not reach it"
        assert Path(f"/proc/{found[0].pid}/cwd").readlink() == home
    finally:
        for client in clients:
            client.close()


def test_private_daemon_compiles_real_specs(home: Path, tmp_path: Path) -> None:
    client = ensure_daemon(home)
    source = SpecSource(text="api_version: tunewright/v1\nname: x\nbasis: 1\n", base_directory=str(tmp_path))
    errors = [item for item in client.check(source) if item.severity == "error"]
    assert errors
    assert any("basis" in item.message for item in errors)
    with pytest.raises(RefusedError) as caught:
        client.create_run(source)
    assert caught.value.reason == "SPEC_INVALID"
    client.close()


def test_daemon_that_dies_at_once_is_told_with_its_words(tmp_path: Path) -> None:
    home = tmp_path / ("x" * 120)
    with pytest.raises(UnreachableError, match="too long for a Unix socket") as caught:
        ensure_daemon(home)
    assert "ended with code 3" in str(caught.value)


def test_stale_socket_is_no_daemon(home: Path) -> None:
    home.mkdir()
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(home / "daemon.sock"))
    client = ensure_daemon(home)
    assert client.server_info().home == str(home)
    client.close()


def test_values_and_errors_are_cheap_to_import() -> None:
    code = (
        "import sys, tunewright.client.values, tunewright.client.errors;"
        "print([name for name in sys.modules if name.split('.')[0] in ('grpc', 'google', 'pydantic')])"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(tunewright.__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_daemon_never_imports_heavy_libraries(daemon: Daemon) -> None:
    daemon.finish(daemon.submit(a_plan(a_step("one"))).run.id)
    loaded = Path(f"/proc/{daemon.pid}/maps").read_text()
    for name in ("torch", "transformers", "numpy"):
        assert f"/{name}/" not in loaded
    code = (
        "import sys, tunewright.daemon.app, tunewright.client.local;"
        "print([n for n in ('torch', 'transformers', 'vllm', 'deepspeed', 'numpy') if n in sys.modules])"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(tunewright.__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_idle_daemon_is_small(daemon: Daemon) -> None:
    eventually(daemon.answers)
    status = Path(f"/proc/{daemon.pid}/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("VmRSS:")]
    assert int(line.split()[1]) < 120 * 1024
