"""One spec, the whole life: trained, measured, gated, quantised, served; then again, changed, interrupted, killed."""

import json
import os
import shutil
import signal
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tunewright.daemon.home import Home
from tunewright.daemon.supervise import Running, probe
from tunewright.spec.canonical import digest_of_file

if (_HUBS := str(Path(__file__).parents[1] / "hub")) not in sys.path:
    sys.path.append(_HUBS)

from loopback_hub import COMMIT, NAME, Hub, serving  # noqa: E402 - found only now

pytestmark = [pytest.mark.train, pytest.mark.slow]


def eventually(condition: Callable[[], Any], seconds: float = 120) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError("the condition did not come true in time")


def states(run: dict[str, Any]) -> dict[str, str]:
    return {step["step"]: step["state"] for step in run["steps"]}


def test_whole_life_ends_with_a_service_that_answers(world: Any) -> None:
    world.write_spec()

    done = world.run("run", "life.yaml", "--json")

    assert done.code == 0, done.stderr + done.stdout
    assert set(states(done.json).values()) == {"succeeded"}
    body = json.dumps({"model": "tiny", "messages": [{"role": "user", "content": "route ticket number 3"}]}).encode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{world.port}/v1/chat/completions", body, {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert json.load(answer)["choices"][0]["message"]["role"] == "assistant"
    assert (world.folder / "life.lock").is_file()


def test_second_run_reuses_every_step(world: Any) -> None:
    done = world.run("run", "life.yaml", "--json")

    assert done.code == 0, done.stderr
    assert set(states(done.json).values()) == {"reused"}
    assert len(states(done.json)) == 8


def test_prepared_rows_are_an_artifact_that_reports_without_telling(world: Any) -> None:
    (path,) = world.home.glob("artifacts/**/report.json")

    report = path.read_text(encoding="utf-8")
    assert json.loads(report)["personal_data"]["found"] == {"email": 16, "phone": 32}
    assert (json.loads(report)["rows"], json.loads(report)["duplicates"]) == (32, 16)
    for file in path.parent.iterdir():
        assert "138001" not in file.read_text(encoding="utf-8")


def test_plan_names_what_changed_and_leaves_the_rest(world: Any) -> None:
    done = world.run("plan", "life.yaml", "--set", "steps.align.train.beta=0.2")

    lines = {line.split()[0]: line for line in done.stdout.splitlines() if line.startswith("  ") and line.split()}
    assert "reuse" in lines["sft"]
    assert "reuse" in lines["exam_base"]
    assert "because steps.align.train.beta 0.1 -> 0.2" in lines["align"]
    assert "because align changes" in lines["exam"]


def test_changed_row_reruns_what_learned_from_it(world: Any) -> None:
    pairs = world.folder / "pairs.jsonl"
    before = pairs.read_text(encoding="utf-8")
    pairs.write_text(before.replace("number 5", "number five"), encoding="utf-8")
    try:
        done = world.run("plan", "life.yaml", "--json")
    finally:
        pairs.write_text(before, encoding="utf-8")

    actions = {action["step"]: action["action"] for action in done.json["actions"]}
    assert actions["sft"] == "reuse"
    assert actions["data-pairs"] == "rerun"
    assert actions["align"] == "rerun"
    assert actions["pack"] == "rerun"


def test_gate_that_does_not_hold_stops_the_line(world: Any) -> None:
    world.write_spec(margin=-2.0)  # better than the base by two: shares never are

    done = world.run("run", "life.yaml", "--json")

    world.write_spec()
    assert done.code == 1
    assert states(done.json)["better"] == "failed"
    assert states(done.json)["pack"] == "skipped"


def running_bundle(home: Path, step: str) -> Path | None:
    for bundle in sorted(home.glob(f"bundles/*/{step}/*"), key=lambda path: path.stat().st_mtime, reverse=True):
        if not (bundle / "exit.json").exists() and (bundle / "events.jsonl").exists():
            events = (bundle / "events.jsonl").read_text(encoding="utf-8")
            return bundle if '"kind": "metric"' in events else None
    return None


def test_daemon_killed_while_training_goes_on_as_if_nothing_had_happened(world: Any) -> None:
    world.write_training(steps=300)
    world.run("stop", "--daemon")  # the private one of the runs above
    with world.daemon() as first:
        submitted = world.run("submit", "life.yaml", "--json")
        assert submitted.code == 0, submitted.stderr
        bundle = eventually(lambda: running_bundle(world.home, "sft"))
        first.send_signal(signal.SIGKILL)
        first.wait()
    assert isinstance(probe(bundle), Running), "training goes on without a daemon"
    with world.daemon():
        watched = world.run("watch", submitted.json["id"], "--json")

    assert watched.code == 0, watched.stderr + watched.stdout
    assert [path.name for path in bundle.parent.iterdir()] == [bundle.name], "the step was tried again"
    assert json.loads((bundle / "exit.json").read_text(encoding="utf-8"))["code"] == 0


def outputs_digest(home: Path, attempt: str) -> str:
    (record,) = home.glob(f"bundles/*/sft/{attempt}/exit.json")
    digest: str = json.loads(record.read_text(encoding="utf-8"))["outputs"]["digest"]
    return digest


def test_killed_with_the_whole_machine_it_goes_on_to_the_same_bytes(world: Any, tmp_path: Path) -> None:
    """Daemon, supervisor and trainer die at once, as in a power cut; the other home is where nothing happened."""
    world.write_training(steps=60)
    homes = [tmp_path / "struck", tmp_path / "spared"]
    struck, spared = (
        replace(world, home=home, environment={**world.environment, "TUNEWRIGHT_HOME": str(home)}) for home in homes
    )
    with struck.daemon() as first:
        submitted = struck.run("submit", "life.yaml", "--json")
        bundle = eventually(lambda: running_bundle(struck.home, "sft"))
        eventually(lambda: list((bundle / "work" / "checkpoints").glob("checkpoint-*")))
        processes = json.loads((bundle / "supervisor.json").read_text(encoding="utf-8"))
        first.send_signal(signal.SIGKILL)
        for name in ("supervisor", "runner"):
            os.kill(processes[name]["pid"], signal.SIGKILL)
        first.wait()
    with struck.daemon():
        watched = struck.run("watch", submitted.json["id"], "--json")
    assert watched.code == 0, watched.stderr + watched.stdout
    second = bundle.with_name("2")
    assert '"going on from checkpoint-' in (second / "events.jsonl").read_text(encoding="utf-8")
    assert spared.run("run", "life.yaml", "--json").code == 0
    spared.run("stop", "--daemon")
    assert outputs_digest(struck.home, "2") == outputs_digest(spared.home, "1")


def test_a_locked_model_is_fetched_as_it_was_or_not_at_all(world: Any, tmp_path: Path) -> None:
    """A hub whose branch moves, and that then gives other bytes for the same commit."""
    commits = {COMMIT: tmp_path / "locked", "f" * 40: tmp_path / "newer"}
    for folder in commits.values():
        shutil.copytree(world.folder / "model", folder)
    (commits["f" * 40] / "generation_config.json").write_text("{}", encoding="utf-8")
    (world.folder / "hub.yaml").write_text(
        f'api_version: tunewright/v1\nname: from-hub\nbase: {{model: "hf://{NAME}"}}\n'
        "suites: {quiz: {file: quiz.jsonl, metric: exact}}\n"
        "steps: {exam: {evaluate: {model: base, suites: [quiz], max_new_tokens: 4}}}\n",
        encoding="utf-8",
    )
    world.run("stop", "--daemon")
    with serving(Hub(commits)) as hub:
        asking = replace(world, environment={**world.environment, "HF_ENDPOINT": hub.address})
        assert asking.run("lock", "hub.yaml").code == 0
        hub.main = "f" * 40
        with asking.daemon():
            done = asking.run("run", "hub.yaml", "--locked", "--json")
            assert done.code == 0, done.stderr + done.stdout
            digest = next(step["artifact"] for step in done.json["steps"] if step["step"] == "base")
            fetched = Home(world.home).artifact(digest)
            locked = json.loads((world.folder / "hub.lock").read_text(encoding="utf-8"))["models"][f"hf://{NAME}"]
            assert locked["revision"] == COMMIT
            assert {path.name: digest_of_file(path) for path in fetched.iterdir()} == locked["files"]

            (commits[COMMIT] / "tokenizer_config.json").write_text("{}", encoding="utf-8")
            shutil.rmtree(Path(world.environment["TUNEWRIGHT_CACHE"]) / "hub")
            shutil.rmtree(fetched)
            drifted = asking.run("run", "hub.yaml", "--locked", "--json")
            assert drifted.code == 1
            failure = drifted.json["failure"]
            assert failure["reason"] == "MODEL_DRIFTED"
            assert "tokenizer_config.json is sha256:" in failure["message"]
            assert ".safetensors" not in failure["message"]
