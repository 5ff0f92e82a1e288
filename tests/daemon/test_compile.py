"""The daemon's compiler: what enters comes from the client, never from the daemon's own environment."""

import asyncio
import threading
from pathlib import Path

import pytest

from tunewright.daemon.compile import Compiled, Submitted, compile_with, compiled_beside

SPEC = """\
api_version: tunewright/v1
name: sample
seed: ${env:TUNEWRIGHT_TEST_SEED}
base: {model: hf://Qwen/Qwen2.5-0.5B-Instruct@7ae557604adf67be50417f59c2c2f167def9a775}
data:
  rows: {source: "file:rows.jsonl"}
steps:
  sft:
    train: {method: sft, data: rows}
resources: {accelerator: a100-80gb}
"""


def compile_spec(folder: Path, variables: dict[str, str]) -> Compiled:
    (folder / "rows.jsonl").write_text('{"prompt": "a", "completion": "b"}\n' * 32, encoding="utf-8")
    submitted = Submitted(
        text=SPEC, path="life.yaml", base_directory=folder, profile=None, sets=(), variables=variables
    )
    return compile_with(folder / "home", folder / "environments")(submitted)


def test_variables_are_the_clients(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUNEWRIGHT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TUNEWRIGHT_TEST_SEED", "1")
    compiled = compile_spec(tmp_path, {"TUNEWRIGHT_TEST_SEED": "2"})
    assert compiled.plan is not None
    assert compiled.plan.lock["variables"] == {"TUNEWRIGHT_TEST_SEED": "2"}


def test_environment_of_the_daemon_stays_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUNEWRIGHT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TUNEWRIGHT_TEST_SEED", "1")
    compiled = compile_spec(tmp_path, {})
    assert compiled.plan is None
    assert [item.code for item in compiled.diagnostics] == ["TW1018"]


def test_alerts_go_where_the_project_may_send_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUNEWRIGHT_CACHE", str(tmp_path / "cache"))
    (tmp_path / "rows.jsonl").write_text('{"prompt": "a", "completion": "b"}\n' * 32, encoding="utf-8")
    sinks = {"search": frozenset({"oncall"}), "other": frozenset[str]()}
    compiler = compile_with(tmp_path / "home", tmp_path / "environments", sinks=lambda project: sinks[project])
    text = SPEC.replace("seed: ${env:TUNEWRIGHT_TEST_SEED}\n", "") + "alerts: [{events: run_failed, to: oncall}]\n"

    def codes(project: str) -> set[str]:
        submitted = Submitted(
            text=text, path="life.yaml", base_directory=tmp_path, profile=None, sets=(), project=project
        )
        return {item.code for item in compiler(submitted).diagnostics}

    assert "TW7304" not in codes("search")
    assert "TW7304" in codes("other")


def test_specs_that_take_long_keep_no_thread_from_the_engine() -> None:
    gate = threading.Event()

    def slow(_: Submitted) -> Compiled:
        assert gate.wait(30)
        return Compiled(plan=None, diagnostics=())

    async def flood() -> list[Compiled]:
        submitted = Submitted(text="", path="life.yaml", base_directory=Path(), profile=None, sets=())
        waiting = [asyncio.create_task(compiled_beside(slow, submitted)) for _ in range(200)]
        await asyncio.sleep(0)
        assert await asyncio.wait_for(asyncio.to_thread(int), 10) == 0
        gate.set()
        return await asyncio.gather(*waiting)

    assert len(asyncio.run(flood())) == 200
