"""How much of the memory is in use is read where the limit of this very process stands, in both kinds of groups."""

from pathlib import Path

import pytest

from tunewright.runners.training.memory_use import host_share

MEMINFO = "MemTotal: 1000 kB\nMemAvailable: 900 kB\n"


def written(folder: Path, **files: str) -> None:
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)


@pytest.mark.parametrize(
    ("membership", "place", "files"),
    [
        (
            "0::/jobs/one\n",
            "jobs/one",
            {"memory__max": "1000\n", "memory__current": "700\n", "memory__stat": "anon 500\nfile 200\n"},
        ),
        ("0::/\n", "", {"memory__max": "1000\n", "memory__current": "500\n", "memory__stat": "file 0\n"}),
        (
            "5:cpu:/jobs/one\n4:memory:/jobs/one\n",
            "memory/jobs/one",
            {
                "memory__limit_in_bytes": "1000\n",
                "memory__usage_in_bytes": "700\n",
                "memory__stat": "total_cache 200\n",
            },
        ),
    ],
    ids=["second", "in-a-container", "first"],
)
def test_a_limit_of_the_own_group_counts(tmp_path: Path, membership: str, place: str, files: dict[str, str]) -> None:
    (tmp_path / "meminfo").write_text(MEMINFO)
    (tmp_path / "membership").write_text(membership)
    written(tmp_path / "groups" / place, **files)
    share = host_share(tmp_path / "meminfo", tmp_path / "groups", tmp_path / "membership")
    assert share == pytest.approx(0.5)


def test_without_a_limit_the_machine_counts(tmp_path: Path) -> None:
    (tmp_path / "meminfo").write_text(MEMINFO)
    (tmp_path / "membership").write_text("4:memory:/\n0::/\n")
    written(tmp_path / "groups", memory__max="max\n", memory__current="1\n", memory__stat="")
    assert host_share(tmp_path / "meminfo", tmp_path / "groups", tmp_path / "membership") == pytest.approx(0.1)
    assert host_share(tmp_path / "none", tmp_path / "none", tmp_path / "none") is None
