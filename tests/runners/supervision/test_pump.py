"""Logs: bytes as they are, a counted gap, bounded memory."""

import os
import subprocess
import sys

import pytest

from tunewright.runners.supervision.pump import TAIL_BYTES, LogFile, Pump


def test_a_log_within_its_cap_is_exact(tmp_path):
    log = LogFile(tmp_path / "log", cap=10)
    log.feed(b"12345")
    log.feed(b"67890")
    log.finish()
    assert (tmp_path / "log").read_bytes() == b"1234567890"


@pytest.mark.parametrize("sizes", [[5, 5, 5], [15], [10, 1, 4]])
def test_what_comes_beyond_the_cap_is_counted_or_kept_at_the_end(tmp_path, sizes):
    log = LogFile(tmp_path / "log", cap=10)
    text = bytes(range(65, 65 + sum(sizes)))
    for size in sizes:
        log.feed(text[:size])
        text = text[size:]
    log.finish()
    assert (tmp_path / "log").read_bytes() == b"ABCDEFGHIJ\n[tunewright: 0 bytes left out here]\nKLMNO"


def test_only_the_last_of_the_rest_is_kept(tmp_path):
    log = LogFile(tmp_path / "log", cap=4)
    log.feed(b"head")
    log.feed(b"x" * TAIL_BYTES * 2)
    log.feed(b"end")
    log.finish()
    content = (tmp_path / "log").read_bytes()
    assert content.startswith(b"head\n[tunewright: %d bytes left out here]\nxxx" % (TAIL_BYTES + 3))
    assert content.endswith(b"xend")
    assert len(content) < TAIL_BYTES + 100


def test_a_log_that_is_there_counts_against_the_cap(tmp_path):
    (tmp_path / "log").write_bytes(b"before")
    log = LogFile(tmp_path / "log", cap=8)
    log.feed(b"after")
    log.finish()
    assert (tmp_path / "log").read_bytes().startswith(b"beforeaf\n[tunewright: 0 bytes")


def test_a_disk_that_refuses_makes_a_gap(tmp_path):
    code = """
import resource, sys
from pathlib import Path
from tunewright.runners.supervision.pump import LogFile
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
log = LogFile(Path(sys.argv[1]))
for _ in range(10):
    log.feed(b"x" * 300)
log.finish()
"""
    subprocess.run(
        [sys.executable, "-P", "-c", code, str(tmp_path / "log")], check=True, env={**os.environ}, timeout=60
    )
    assert (tmp_path / "log").read_bytes() == b"x" * 1000


def test_the_last_lines_are_text_however_they_are_written(tmp_path):
    log = LogFile(tmp_path / "log")
    log.feed(b"one\n\n10%\r20%\r\ntw\xffo\n" + b"y" * 1000)
    assert log.last_lines(3) == ("20%", "tw\ufffdo", "y" * 500)
    assert log.last_lines(2, width=1) == ("t", "y")
    log.finish()


def test_the_pump_ends_with_its_writers_and_wakes_up(tmp_path):
    wake_read, wake_write = os.pipe()
    read, write = os.pipe()
    pump = Pump(wake_read)
    pump.attach(read, LogFile(tmp_path / "log"))
    os.write(wake_write, b"!")
    assert pump.turn(30) is False
    os.write(write, b"text")
    os.close(write)
    pump.drain()
    assert (tmp_path / "log").read_bytes() == b"text"
    with pytest.raises(OSError):
        os.fstat(read)


def test_draining_does_not_wait_for_a_writer_that_lives_on(tmp_path):
    wake_read, _ = os.pipe()
    read, write = os.pipe()
    os.set_blocking(read, False)
    pump = Pump(wake_read)
    pump.attach(read, LogFile(tmp_path / "log"))
    os.write(write, b"text")
    pump.drain()
    os.close(write)
    assert (tmp_path / "log").read_bytes() == b"text"
