"""This machine is looked at within its container's limits; a stated machine owes nothing to this one."""

import os
from pathlib import Path

import pytest

from tunewright.compiler.collect.hardware import collect_hardware, stated_hardware
from tunewright.compiler.collect.limits import cpu_quota, memory_limit


def test_looks_at_this_machine(tmp_path: Path) -> None:
    facts = collect_hardware(tmp_path / "not" / "yet" / "there")
    assert 1 <= facts.cpu_cores <= (os.cpu_count() or 1)
    assert 2**28 < facts.memory_bytes <= os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert facts.disk_free_bytes is not None
    assert facts.disk_free_bytes > 0
    assert not facts.stated


def test_affinity_counts(tmp_path: Path) -> None:
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        assert collect_hardware().cpu_cores == 1
    finally:
        os.sched_setaffinity(0, before)


def test_version_2_limits_of_any_group_around_count(tmp_path: Path) -> None:
    inner = tmp_path / "pod" / "container"
    inner.mkdir(parents=True)
    (tmp_path / "pod" / "memory.max").write_text("4294967296\n")
    (inner / "memory.max").write_text("max\n")
    (inner / "cpu.max").write_text("150000 100000\n")
    (tmp_path / "membership").write_text("0::/pod/container\n")
    assert memory_limit(tmp_path, tmp_path / "membership") == 4 * 2**30
    assert cpu_quota(tmp_path, tmp_path / "membership") == 1.5


def test_version_1_limits_count(tmp_path: Path) -> None:
    (tmp_path / "memory" / "box").mkdir(parents=True)
    (tmp_path / "memory" / "memory.limit_in_bytes").write_text("9223372036854771712")
    (tmp_path / "memory" / "box" / "memory.limit_in_bytes").write_text("1073741824")
    (tmp_path / "membership").write_text("4:memory:/box\n3:cpuset:/box\n")
    assert memory_limit(tmp_path, tmp_path / "membership") == 2**30
    assert cpu_quota(tmp_path, tmp_path / "membership") is None


@pytest.mark.parametrize("text", ["", "nonsense", "0::/../../etc", "::::"])
def test_an_odd_membership_is_no_limit(text: str, tmp_path: Path) -> None:
    (tmp_path / "membership").write_text(text)
    assert memory_limit(tmp_path / "none", tmp_path / "membership") is None


def test_a_stated_machine_comes_from_the_table() -> None:
    facts = stated_hardware("A100-80GB", count=8, nodes=2, memory_bytes=2**40)
    assert facts is not None
    assert facts.accelerator is not None
    assert (facts.accelerator.name, facts.accelerator.count, facts.nodes) == ("a100-80gb", 8, 2)
    assert (facts.memory_bytes, facts.stated, facts.disk_free_bytes) == (2**40, True, None)


def test_a_stated_cpu_has_no_accelerator() -> None:
    facts = stated_hardware("cpu", cpu_cores=4)
    assert facts is not None
    assert (facts.accelerator, facts.cpu_cores) == (None, 4)


def test_an_unknown_accelerator_is_nothing() -> None:
    assert stated_hardware("a100-90gb") is None
