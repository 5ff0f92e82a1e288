"""`tunewright top` against real daemons: here, over TLS, in a pipe, on a terminal."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator

import pytest
from harness.daemons import Daemon, eventually
from harness.plans import a_plan, a_step
from harness.sites import Site, source_in
from scripted.desk import Desk

POINTS = [
    {"emit": {"kind": "progress", "done": 12, "total": 24, "unit": "step", "eta_seconds": 30}},
    {"emit": {"kind": "metric", "step": 12, "values": {"loss": 0.412, "tokens_per_second": 431.0}}},
    {"sleep": 600},
]


@pytest.fixture
def site(desk: Desk) -> Iterator[Site]:
    """A site where a training of project support runs."""
    site = Site(desk.folder, Daemon(desk.home)).prepare().start()
    run = site.daemon.client.create_run(source_in(site, "support", a_plan(a_step("sft", POINTS)))).run.id
    try:
        eventually(lambda: any(event.kind == "metric" for event in site.daemon.client.list_events(run)))
        yield site
    finally:
        site.clean_up()


def test_once_says_it_all(desk: Desk, site: Site) -> None:
    shown = desk.run("top", "--once")
    assert shown.code == 0, shown.err
    assert re.search(r"^tunewright \S+  1 running, 0 waiting  up ", shown.out)
    assert re.search(r"^\d{8}-\d{6}-\w{4}  quick  \(support\)  running  0/1", shown.out, re.MULTILINE)
    assert "run   sft  #####-----  50 %  step 12/24  30s left  loss 0.412  431 tok/s" in shown.out


def test_it_shows_what_the_caller_may_see_over_tls(desk: Desk, site: Site) -> None:
    for project, seen in (("support", True), ("sales", False)):
        shown = site.token(f"{project}-reader", f"{project}:viewer")
        options = ("--daemon", site.addresses[1], "--ca", str(shown.authority), "--token-file", str(shown.token_file))
        answer = desk.run("top", *options)
        assert answer.code == 0, answer.err
        assert ("step 12/24" in answer.out) is seen
        assert ("nothing runs" in answer.out) is not seen


def test_without_a_daemon_it_says_so(desk: Desk) -> None:
    answer = desk.run("top", "--daemon", "127.0.0.1:1")
    assert answer.code != 0
    assert "127.0.0.1:1" in answer.err
    assert "Traceback" not in answer.err


def test_on_a_terminal_it_fills_the_screen_and_q_leaves(desk: Desk, site: Site) -> None:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    environment = {**desk.environment, "COLUMNS": "80", "LINES": "24", "TERM": "xterm"}
    before = termios.tcgetattr(theirs)
    words = [sys.executable, "-P", "-m", "tunewright", "top", "--interval", "0.2"]
    with subprocess.Popen(words, stdin=theirs, stdout=theirs, stderr=theirs, env=environment) as process:
        shown = b""
        while b"step 12/24" not in shown:
            shown += os.read(ours, 65536)
        site.daemon.kill()
        while b"the daemon does not answer" not in shown:
            shown += os.read(ours, 65536)
        os.write(ours, b"q")
        eventually(lambda: process.poll() is not None)
        assert process.returncode == 0
    shown += os.read(ours, 65536)
    assert b"\x1b[?1049h" in shown, "the screen of before comes back"
    assert b"\x1b[?1049l" in shown
    assert termios.tcgetattr(theirs)[3] == before[3]
    for end in (ours, theirs):
        os.close(end)
