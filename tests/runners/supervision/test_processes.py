"""Identity beyond the pid, descent, marks: read from the real process table."""

import os
import subprocess
import sys
from dataclasses import replace

from tunewright.runners.supervision.memory import count_kills
from tunewright.runners.supervision.processes import (
    ProcessIdentity,
    carriers,
    descendants,
    identify,
    kill_until_gone,
    read_row,
    read_table,
)


def test_an_identity_is_the_process_and_no_other():
    child = subprocess.Popen(["sleep", "600"])
    identity = identify(child.pid)
    assert identity.alive()
    assert not replace(identity, start_ticks=identity.start_ticks + 1).alive()
    assert not replace(identity, boot_id="another").alive()
    assert ProcessIdentity.from_json(identity.to_json()) == identity
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert not identity.alive()  # a zombie
    child.wait(30)
    assert identify(child.pid) is None


def test_a_name_with_parentheses_and_blanks_is_read():
    code = "open('/proc/self/comm', 'w').write(') R 1 (x'); print(flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        child.stdout.readline()
        row = read_row(child.pid)
        assert row.parent == os.getpid()
        assert row.state in ("R", "S")
        child.communicate(b"\n", timeout=30)


def test_descendants_are_found_over_generations():
    with subprocess.Popen(["sh", "-c", "sh -c 'sleep 600 & echo $!; wait' & wait"], stdout=subprocess.PIPE) as child:
        grandchild = int(child.stdout.readline())
        below = {row.pid for row in descendants(child.pid, read_table())}
        assert grandchild in below
        assert child.pid not in below
        _, left = kill_until_gone(lambda: {row.pid for row in descendants(child.pid, read_table())}, 10)
        assert left == set()
        child.wait(30)


def test_carriers_need_every_mark():
    with subprocess.Popen(["sleep", "600"], env={"TW_TEST_A": "1", "TW_TEST_B": "2"}) as child:
        assert carriers([b"TW_TEST_A=1", b"TW_TEST_B=2"]) == [child.pid]
        assert carriers([b"TW_TEST_A=1", b"TW_TEST_B=3"]) == []
        kill_until_gone(lambda: [child.pid] if child.poll() is None else [], 10)


def test_what_can_not_be_killed_is_returned():
    assert kill_until_gone(lambda: [2**22 + 1], 0.05) == ({2**22 + 1}, {2**22 + 1})


def test_out_of_memory_kills_are_counted():
    assert count_kills() >= 0
