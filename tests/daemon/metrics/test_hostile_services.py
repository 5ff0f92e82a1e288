"""What a service says of itself, and how slowly, takes the figures of the daemon from nobody."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from harness.daemons import Daemon, eventually
from harness.plans import a_plan, a_step
from harness.scraping import LOOPBACK, figure, figures

from tunewright.compiler.ir.plan import Launch, Process, Supervision
from tunewright.daemon.supervise import answers

#: Answers well where it is asked whether it is, and drips its figures for ever, header by header.
DRIPPING = """
import socket, sys, threading, time
listening = socket.create_server(("127.0.0.1", int(sys.argv[1])))
def serve(connection):
    asked = connection.recv(4096)
    try:
        if b"/metrics" not in asked:
            connection.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\n\\r\\n")
        else:
            connection.sendall(b"HTTP/1.1 200 OK\\r\\n")
            while True:
                connection.sendall(b"x")
                time.sleep(0.2)
    except OSError:
        pass
    connection.close()
while True:
    threading.Thread(target=serve, args=(listening.accept()[0],), daemon=True).start()
"""


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    daemon = Daemon(tmp_path_factory.mktemp("hostile") / "home").start("--metrics", LOOPBACK)
    try:
        yield daemon
    finally:
        daemon.clean_up()


@pytest.mark.parametrize("address", ["http://127.0.0.1:99999", "http://[::1", "\x1b[2J\n\"'"])
def test_an_address_that_is_none_takes_the_figures_from_nobody(daemon: Daemon, address: str) -> None:
    asked = Supervision(address=None, health_path="/health", interval_seconds=600.0)
    acts = [{"emit": {"kind": "ready", "address": address}}, {"sleep": 600}]
    run = daemon.finish(daemon.submit(a_plan(a_step("chat", acts, service=True, supervision=asked), name="odd")).run.id)
    assert run.state == "succeeded", run.failure
    assert figure(figures(daemon), "tunewright_deployment_up", deployment="odd-chat") is not None
    daemon.client.stop_deployment("odd-chat", mode="now")
    eventually(lambda: daemon.client.get_deployment("odd-chat").state == "stopped")


def test_figures_that_drip_for_ever_hold_up_no_scrape(daemon: Daemon) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    asked = Supervision(
        address=f"http://127.0.0.1:{port}", health_path="/health", interval_seconds=0.2, timeout_seconds=1.0
    )
    step = a_step("chat", service=True, supervision=asked)
    step = replace(
        step,
        parameters={"port": port},
        launch=Launch(environment="control", command=Process(argv=("python3", "-c", DRIPPING, str(port)))),
    )
    run = daemon.finish(daemon.submit(a_plan(step, name="drip")).run.id)
    assert run.state == "succeeded", run.failure
    eventually(lambda: figure(figures(daemon), "tunewright_deployment_up", deployment="drip-chat") == 1, seconds=20)


def test_a_service_that_drips_its_health_is_not_well(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        begun = time.monotonic()
        threading.Thread(target=drip, args=(listening,), daemon=True).start()
        assert not answers(tmp_path, f"http://127.0.0.1:{port}", "/health", 0.5)
        assert time.monotonic() - begun < 5.0


def drip(listening: socket.socket) -> None:
    connection, _ = listening.accept()
    with connection, suppress(OSError):
        for byte in b"HTTP/1.1 200 OK\r\nX: " + b"x" * 150:
            connection.sendall(bytes([byte]))
            time.sleep(0.05)
