"""Control groups around real attempts, where this machine has them; and how a daemon finds out whether it has."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tunewright.compiler.ir.plan import StepResources
from tunewright.daemon import supervise
from tunewright.runners.contract import Command, Limits
from tunewright.runners.supervision.group import Group
from tunewright.runners.supervision.processes import read_row

HERE = supervise.find_groups()
MIB = 2**20
#: Starts a process that has left session, group and environment: nothing but its control group tells where it is from.
ESCAPE = """
import os, sys, time
CHILD = '''
import os, time
open("escaped.part", "w").write(str(os.getpid()))
os.rename("escaped.part", "escaped")
time.sleep(600)
'''
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execve(sys.executable, [sys.executable, "-c", CHILD], {})
    os._exit(0)
os.wait()
while not os.path.exists("escaped"):
    time.sleep(0.005)
"""


@pytest.fixture
def group() -> Iterator[Group]:
    folder = HERE.folder("test", "s1", os.getpid())
    if folder is None:
        pytest.skip(f"no control group can be made here: {HERE.reason}")
    made = Group(folder)
    yield made
    made.kill()
    made.remove()


def gone(pid: int) -> bool:
    return (row := read_row(pid)) is None or row.state == "Z"


def escaped(bundle) -> int:
    path = bundle.path / "work" / "escaped"
    return int(bundle.eventually(lambda: path.exists() and path.read_text()))


def test_what_left_session_and_environment_is_found_in_its_group(bundle, group):
    command = Command(argv=(sys.executable, "-c", ESCAPE + "time.sleep(600)"))
    bundle.launch(command=command, limits=Limits(group=str(group.folder)))
    pid = escaped(bundle)
    assert group.pids() == {pid, bundle.runner()}
    os.kill(bundle.supervisor(), signal.SIGKILL)
    bundle.eventually(lambda: supervise.probe(bundle.path) == supervise.Lost())
    assert supervise.kill_leftovers(bundle.path) == frozenset()
    assert not gone(pid), "nothing else would have found it"
    assert supervise.kill_leftovers(bundle.path, group.folder) == frozenset()
    assert gone(pid)
    assert not group.folder.exists()


def test_an_attempt_leaves_neither_processes_nor_its_group(bundle, group):
    command = Command(argv=(sys.executable, "-c", ESCAPE))
    assert bundle.play(command=command, limits=Limits(group=str(group.folder))).reason == "SUCCEEDED"
    assert gone(escaped(bundle))
    assert not group.folder.exists()


@pytest.mark.skipif(HERE.enforced, reason="this machine keeps limits")
def test_a_step_whose_limits_can_not_be_set_does_not_start(bundle, group):
    limits = Limits(memory_bytes=64 * MIB, group=str(group.folder))
    ended = bundle.play([{"write": ["m", "x"]}], limits=limits)
    assert ended.reason == "LAUNCH_FAILED"
    assert "memory.max" in ended.message
    assert ended.started is None


@pytest.mark.skipif(not HERE.enforced, reason=f"this machine keeps no limits: {HERE.reason}")
def test_a_step_beyond_its_memory_is_ended_with_the_limit_in_words(bundle, group):
    command = Command(argv=(sys.executable, "-c", "kept = bytearray(512 * 2**20); kept[::4096] = b'x' * (512 * 256)"))
    ended = bundle.play(command=command, limits=Limits(memory_bytes=64 * MIB, group=str(group.folder)))
    assert ended.reason == "OUT_OF_MEMORY"
    assert "memory limit of 0.0625 GiB" in ended.message


def test_limits_reach_the_group_and_the_runner_is_in_it(bundle, tmp_path):
    """On a folder with the files of a group, which keeps nothing: what the supervisor writes there."""
    folder = tmp_path / "group"
    folder.mkdir()
    for name in ("cgroup.procs", "cgroup.kill", "memory.max", "memory.oom.group", "cpu.max", "cpu.weight"):
        (folder / name).touch()
    ended = bundle.play([], limits=Limits(memory_bytes=64 * MIB, cpus=2.0, group=str(folder)))
    assert ended.reason == "SUCCEEDED"
    assert (folder / "memory.max").read_text() == str(64 * MIB)
    assert (folder / "cpu.max").read_text() == "200000 100000"
    assert (folder / "cgroup.procs").read_text() == "0"


def kernel(tmp_path: Path, own: str, controllers: str = "cpu memory pids") -> tuple[Path, Path]:
    """Write what /proc says of a process in the group `own` of a tree below tmp_path; return the two files."""
    (tmp_path / own).mkdir(parents=True, exist_ok=True)
    for folder in (tmp_path / own, *(tmp_path / own).parents):
        if tmp_path in (folder, *folder.parents):
            (folder / "cgroup.controllers").write_text(controllers)
    membership, mounts = tmp_path / "membership", tmp_path / "mountinfo"
    membership.write_text(f"4:memory:/elsewhere\n0::/{own}\n")
    mounts.write_text(f"25 1 0:22 / {tmp_path} rw,relatime shared:4 - cgroup2 cgroup2 rw\n")
    return membership, mounts


@pytest.mark.parametrize(
    ("own", "root"),
    [
        ("system.slice/tunewright.service/daemon", "system.slice/tunewright.service"),
        ("user.slice/app.slice", "user.slice/app.slice"),
        ("", "tunewright"),
    ],
)
def test_groups_are_made_where_the_system_has_given_the_daemon_room(tmp_path: Path, own: str, root: str) -> None:
    found = supervise.find_groups(None, *kernel(tmp_path, own))
    assert found.root == tmp_path / root
    handed_down = tmp_path / root / "cgroup.subtree_control" if own else tmp_path / "cgroup.subtree_control"
    assert handed_down.read_text() == "+cpu +memory"
    assert not found.enforced, "a folder keeps no limits"
    assert "DelegateSubgroup=daemon" in found.reason
    kept = found.limits(StepResources(memory_bytes=5, cpus=1.0), "r", "s", 2)
    assert kept == Limits(group=str(tmp_path / root / "r-s-2"))


def test_a_system_without_groups_says_so(tmp_path: Path) -> None:
    found = supervise.find_groups(None, tmp_path / "none", tmp_path / "none")
    assert (found.root, found.enforced) == (None, False)
    assert found.reason == "the system has no control groups of version 2"
    assert found.limits(StepResources(memory_bytes=5), "r", "s", 1) == Limits()
    closed = supervise.find_groups(Path("/proc/tunewright"))
    assert closed.root is None
    assert "can't be used" in closed.reason


def test_groups_that_nobody_came_back_for_are_swept(tmp_path: Path) -> None:
    old, full, new = (f"20261122-095643-70a4-sft-{number}" for number in (1, 2, 3))
    for name in (old, full, new, "of_others"):
        (tmp_path / name).mkdir()
    (tmp_path / full / "cgroup.procs").touch()
    for name in (old, full, "of_others"):
        os.utime(tmp_path / name, (0, 0))
    supervise.find_groups(tmp_path)
    assert {path.name for path in tmp_path.iterdir() if path.is_dir()} == {full, new, "of_others"}
