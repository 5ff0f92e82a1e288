"""The file protocol of control groups, on folders that have the files the kernel would have made."""

from pathlib import Path

import pytest

from tunewright.runners.contract import Limits
from tunewright.runners.supervision.group import Group

FILES = ("cgroup.procs", "cgroup.kill", "memory.max", "memory.swap.max", "memory.oom.group", "cpu.max", "cpu.weight")


def group_with(folder: Path, *files: str) -> Group:
    folder.mkdir()
    for name in files:
        (folder / name).touch()
    return Group(folder)


def told(group: Group) -> dict[str, str]:
    return {path.name: path.read_text() for path in group.folder.iterdir() if path.read_text()}


def test_limits_are_written_in_the_kernels_words(tmp_path: Path) -> None:
    group = group_with(tmp_path / "run-step-1", *FILES)
    group.make(Limits(memory_bytes=3 * 2**30, cpus=1.5), service=False)
    assert told(group) == {
        "cgroup.kill": "1",
        "memory.max": "3221225472",
        "memory.swap.max": "0",
        "memory.oom.group": "1",
        "cpu.max": "150000 100000",
        "cpu.weight": "11",
    }
    group.join()
    assert told(group)["cgroup.procs"] == "0"


def test_without_limits_the_processor_is_shared_out_and_nothing_else(tmp_path: Path) -> None:
    group = group_with(tmp_path / "group", *FILES)
    group.make(Limits(), service=True)
    assert told(group) == {"cgroup.kill": "1", "cpu.weight": "100"}


@pytest.mark.parametrize("limits", [Limits(memory_bytes=2**30), Limits(cpus=2)])
def test_a_limit_that_nobody_would_keep_is_an_error(tmp_path: Path, limits: Limits) -> None:
    group = group_with(tmp_path / "group", "cgroup.procs", "cgroup.kill")
    with pytest.raises(FileNotFoundError):
        group.make(limits, service=False)
    assert {path.name for path in group.folder.iterdir()} == {"cgroup.procs", "cgroup.kill"}


def test_kills_at_the_limit_are_counted(tmp_path: Path) -> None:
    group = group_with(tmp_path / "group")
    assert group.limit_kills() == 0
    (group.folder / "memory.events").write_text("low 0\nhigh 0\nmax 12\noom 3\noom_kill 2\noom_group_kill 1\n")
    assert group.limit_kills() == 2
    (group.folder / "memory.events").write_text("low 0\nhigh 0\nmax 0\noom 0\noom_kill 1\noom_group_kill 0\n")
    assert group.limit_kills() == 0, "the machine's memory was used up, not the group's"


def test_who_is_in_a_group_is_found_also_below_it_and_never_ourselves(tmp_path: Path) -> None:
    group = group_with(tmp_path / "group")
    (group.folder / "cgroup.procs").write_text("0\n41\n")
    (group.folder / "below").mkdir()
    (group.folder / "below" / "cgroup.procs").write_text("43\n")
    assert group.pids() == {41, 43}
    assert Group(tmp_path / "gone").pids() == set()


def test_an_empty_group_is_removed_with_those_below_it(tmp_path: Path) -> None:
    group = Group(tmp_path / "group")
    (group.folder / "below" / "deeper").mkdir(parents=True)
    group.remove()
    assert not group.folder.exists()
    group.remove()
