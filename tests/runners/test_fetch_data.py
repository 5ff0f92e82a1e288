"""fetch.data, and what every fetch does: a loopback hub cuts connections, gives wrong bytes, sends to another host."""

import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tunewright.runners import contract
from tunewright.spec.canonical import digest_of_file

if (_HUBS := str(Path(__file__).parents[1] / "hub")) not in sys.path:
    sys.path.append(_HUBS)

from loopback_hub import COMMIT, Hub, serving  # noqa: E402 - found only now

pytestmark = pytest.mark.train

NAME = "tiny/rows"
FILE = "data/train-00000.jsonl"
CARD = """---
configs:
- config_name: default
  data_files:
  - {split: train, path: "data/train-*.jsonl"}
  - {split: test, path: data/test.csv}
---
"""


def rows(count: int) -> list[dict[str, str]]:
    return [{"prompt": f"What is {number}?", "completion": str(number)} for number in range(count)]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    (folder / "data").mkdir(parents=True)
    (folder / "README.md").write_text(CARD, encoding="utf-8")
    (folder / FILE).write_text("".join(json.dumps(row) + "\n" for row in rows(10)), encoding="utf-8")
    (folder / "data" / "test.csv").write_text("prompt,completion\na,b\n", encoding="utf-8")
    return folder


@pytest.fixture
def hub(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with serving(Hub({COMMIT: repository}, name=NAME, kind="datasets")) as hub:
        for name, value in {
            "TUNEWRIGHT_CACHE": str(tmp_path / "cache"),
            "HF_HOME": str(tmp_path / "own"),
            "HF_HUB_OFFLINE": "0",
            "HF_HUB_DISABLE_XET": "1",
            "HF_ENDPOINT": "http://127.0.0.1:9",
        }.items():
            monkeypatch.setenv(name, value)
        yield hub


def parameters(hub: Hub, **more: Any) -> dict[str, Any]:
    return {"source": f"hf://datasets/{NAME}", "endpoint": hub.address, **more}


def fetch(bench: Any, name: str, hub: Hub, inputs: dict[str, Path] | None = None, **more: Any) -> Any:
    bundle = bench.bundle(
        f"{name}-{hub.address.rpartition(':')[2]}", "fetch.data", inputs or {}, parameters(hub, **more)
    )
    finished = bench.run("fetch_data", bundle)
    path = bundle / "outputs" / "rows.jsonl"
    found = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    return finished, found


def gets(hub: Hub) -> list[str]:
    return [path for path, _ in hub.asked if f"/resolve/{COMMIT}/{FILE}" in path]


def test_split_of_the_card_is_written_as_rows_that_know_their_place(bench: Any, hub: Hub) -> None:
    finished, found = fetch(bench, "whole", hub)
    assert finished.code == contract.ExitCode.OK, finished.stderr
    assert [{key: row[key] for key in ("prompt", "completion")} for row in found] == rows(10)
    assert found[3]["_source"] == f"{FILE}:4"
    assert any(event["unit"] == "bytes" for event in finished.of("progress"))

    _, found = fetch(bench, "part", hub, split="train[20%:5]")
    assert [row["completion"] for row in found] == ["2", "3", "4"]
    _, found = fetch(bench, "test", hub, split="test")
    assert [row["prompt"] for row in found] == ["a"]
    finished, _ = fetch(bench, "absent", hub, split="validation")
    assert finished.failure["reason"] == "DATA_NOT_THERE"
    assert "there is no split `validation`; there is: test, train" in finished.failure["message"]


def test_connection_that_is_cut_goes_on_where_it_ended(bench: Any, hub: Hub, repository: Path) -> None:
    """The library asks for the rest of what it wrote, which it does in pieces of 10 MiB."""
    long = [{"prompt": "a" * 100_000, "completion": str(number)} for number in range(130)]
    (repository / FILE).write_text("".join(json.dumps(row) + "\n" for row in long), encoding="utf-8")
    hub.cut[FILE] = 12_000_000
    finished, found = fetch(bench, "cut", hub)
    assert finished.code == contract.ExitCode.OK, finished.stderr
    assert hub.ranges == [f"bytes={10 * 1024 * 1024}-"]
    assert [row["completion"] for row in found] == [row["completion"] for row in long]
    assert finished.of("progress")[-1]["done"] == (repository / FILE).stat().st_size


def test_wrong_bytes_are_fetched_again_and_refused_when_they_stay_wrong(bench: Any, hub: Hub, tmp_path: Path) -> None:
    hub.spoil[FILE] = 1
    finished, found = fetch(bench, "once", hub)
    assert finished.code == contract.ExitCode.OK, finished.stderr
    assert [event["code"] for event in finished.of("warning")] == ["wrong-bytes"]
    assert len(found) == 10

    shutil.rmtree(tmp_path / "cache")
    hub.spoil[FILE] = 2
    finished, found = fetch(bench, "twice", hub)
    assert (finished.code, found) == (contract.ExitCode.FAILED, [])
    assert finished.failure["reason"] == "HUB_WRONG_BYTES"
    assert FILE in finished.failure["message"]
    assert not list((tmp_path / "cache").rglob("train-*.jsonl")), "nothing damaged stays behind"

    finished, _ = fetch(bench, "third", hub)
    assert finished.code == contract.ExitCode.OK


def test_locked_files_are_taken_from_the_users_own_cache_without_asking(
    bench: Any, hub: Hub, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tmp_path / "own" / "hub" / f"datasets--{NAME.replace('/', '--')}" / "snapshots" / COMMIT
    shutil.copytree(repository, kept)
    pins = {FILE: digest_of_file(repository / FILE)}
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    finished, found = fetch(bench, "own", hub, revision=COMMIT, files=pins)
    assert finished.code == contract.ExitCode.OK, finished.stderr
    assert (len(found), hub.asked) == (10, [])

    (kept / FILE).write_text("{}\n", encoding="utf-8")
    finished, _ = fetch(bench, "changed", hub, revision=COMMIT, files=pins)
    assert finished.code == contract.ExitCode.UNAVAILABLE
    assert "HF_HUB_OFFLINE is set" in finished.failure["help"]
    assert (kept / FILE).read_text() == "{}\n", "the user's own cache is not touched"

    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    finished, found = fetch(bench, "online", hub, revision=COMMIT, files=pins)
    assert (finished.code, len(found)) == (contract.ExitCode.OK, 10)

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    finished, found = fetch(bench, "ours", hub, revision=COMMIT, files=pins)
    assert (finished.code, len(found)) == (contract.ExitCode.OK, 10), "now ours has it"


def test_two_fetches_at_once_download_once(bench: Any, hub: Hub) -> None:
    names = [f"{name}-{os.getpid()}" for name in ("first", "second")]
    bundles = [bench.bundle(name, "fetch.data", {}, parameters(hub)) for name in names]
    running = [bench.start("fetch_data", bundle) for bundle in bundles]
    for process in running:
        assert process.communicate(timeout=120) is not None
        assert process.returncode == contract.ExitCode.OK
    contents = [(bundle / "outputs" / "rows.jsonl").read_bytes() for bundle in bundles]
    assert contents[0] == contents[1] != b""
    assert len(gets(hub)) == 2, "one HEAD and one GET"


def test_token_goes_to_the_mirror_and_not_to_the_host_of_the_large_files(
    bench: Any, hub: Hub, repository: Path, tmp_path: Path
) -> None:
    (tmp_path / "HUB").write_text("hf_only_for_this_test\n", encoding="utf-8")
    hub.token = "hf_only_for_this_test"
    with serving(Hub({COMMIT: repository}, name=NAME, kind="datasets")) as store:
        hub.store = store.address.replace("127.0.0.1", "localhost")
        finished, found = fetch(bench, "token", hub, {"secret.token": tmp_path / "HUB"})
        assert finished.code == contract.ExitCode.OK, finished.stderr
        assert len(found) == 10
        assert any(FILE in path for path, _ in store.asked)
        assert {shown for _, shown in store.asked} == {""}

    unsafe = bench.bundle(
        "unsafe", "fetch.data", {"secret.token": tmp_path / "HUB"}, parameters(hub) | {"endpoint": "http://hub.example"}
    )
    assert bench.run("fetch_data", unsafe).failure["reason"] == "ENDPOINT_UNSAFE"


def test_files_that_do_not_fit_on_the_disk_are_refused_before_the_first_byte(bench: Any, hub: Hub) -> None:
    hub.sizes[FILE] = 10**17
    finished, _ = fetch(bench, "huge", hub)
    assert finished.failure["reason"] == "DISK_FULL"
    assert gets(hub) == []
