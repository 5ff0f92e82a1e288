"""Floods, full disks, memory limits of the kernel: the attempt ends with a reason, and the supervisor stays small."""

import os
import subprocess
from pathlib import Path

import pytest

from tunewright.daemon import supervise
from tunewright.runners.contract import Command
from tunewright.runners.supervision.processes import read_table
from tunewright.runners.supervision.pump import CAP_BYTES

MEMORY_CGROUP = Path("/sys/fs/cgroup/memory")


def peak_bytes(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return 1024 * int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1])


def test_a_log_flood_is_capped_and_the_gap_is_counted(bundle):
    lines = 8_000_000
    bundle.launch([{"flood": lines}, {"emit": {"kind": "phase", "name": "flooded"}}, {"wait_for": "work/go"}])
    bundle.reached("flooded")
    assert peak_bytes(bundle.supervisor()) < 40_000_000
    (bundle.path / "work" / "go").touch()
    assert bundle.finish().reason == "SUCCEEDED"
    content = (bundle.path / "stdout.log").read_bytes()
    mark, _, rest = content[CAP_BYTES:].partition(b"]\n")
    assert mark.startswith(b"\n[tunewright: ")
    assert CAP_BYTES + int(mark.split()[1]) + len(rest) == sum(len(f"line {number}\n") for number in range(lines))
    assert rest.endswith(b"line 7999999\n")


def test_output_is_kept_as_bytes(bundle):
    bundle.play(command=Command(argv=("printf", "\\377\\000\\033[31mred")))
    assert (bundle.path / "stdout.log").read_bytes() == b"\xff\x00\x1b[31mred"


@pytest.fixture
def small_disk(tmp_path):
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none", str(folder)], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("mounting is not allowed here")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_full_disk_fails_the_step_with_its_reason(bundle, small_disk):
    bundle.path = small_disk / "bundle"
    record = bundle.play([{"say": "saving"}, {"fill": {"path": "outputs/model.bin", "bytes": 8_000_000}}])
    assert (record.code, record.reason, record.outputs) == (1, "DISK_FULL", None)
    assert "free space" in record.help or "No space left" in record.message
    assert (bundle.path / "exit.json").exists()


def test_a_disk_full_of_logs_does_not_stop_the_work(bundle, small_disk):
    bundle.path = small_disk / "bundle"
    record = bundle.play([{"flood": 1_000_000}])
    assert record.reason == "SUCCEEDED"


def test_the_kernels_out_of_memory_kill_is_recognised(bundle):
    group = MEMORY_CGROUP / f"tunewright-test-{bundle.path.parent.name}"
    try:
        group.mkdir()
        (group / "memory.limit_in_bytes").write_text(str(64 * 1024 * 1024))
    except OSError:
        pytest.skip("making a memory cgroup is not allowed here")
    try:
        script = [{"allocate": 500_000_000}]
        inner = " ".join(bundle.step().command.argv)
        command = Command(
            argv=("sh", "-c", f"echo $$ > {group}/cgroup.procs; exec {inner}"), env=bundle.step().command.env
        )
        record = bundle.play(script, command=command)
        assert (record.code, record.signal, record.reason) == (137, 9, "OUT_OF_MEMORY")
    finally:
        group.rmdir()


def test_many_attempts_leave_no_zombie_behind(bundle, tmp_path):
    for number in range(3):
        bundle.path = tmp_path / f"attempt-{number}"
        assert bundle.play([]).code == 0
    bundle.eventually(
        lambda: (
            supervise.probe(bundle.path)
            and not [row for row in read_table().values() if row.parent == os.getpid() and row.state == "Z"]
        )
    )
