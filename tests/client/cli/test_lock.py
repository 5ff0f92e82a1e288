"""The lock of a model on a hub: looked up once, then fetched as it was, wherever and whenever that is."""

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from scripted.desk import SPEC, Desk

from tunewright.spec.canonical import digest_of_file

if (_HUBS := str(Path(__file__).parents[2] / "hub")) not in sys.path:
    sys.path.append(_HUBS)

from loopback_hub import COMMIT, NAME, Hub, serving  # noqa: E402 - found only now
from tiny_folder import write_model  # noqa: E402

NEXT = "f" * 40
MACHINE = "resources: {accelerator: a100-80gb, count: 1}\n"
ON_HUB = SPEC.replace(SPEC.partition('"hf://')[2].partition('"')[0], f"//{NAME}").replace('"hf:////', '"hf://')


@pytest.fixture
def hub(tmp_path: Path, desk: Desk) -> Iterator[Hub]:
    """A hub whose branch has a newer commit than the one that is locked; the desk asks it."""
    commits = {commit: tmp_path / "commits" / commit for commit in (COMMIT, NEXT)}
    (tmp_path / "commits").mkdir()
    for folder in commits.values():
        write_model(folder, template=True)
    (commits[NEXT] / "tokenizer_config.json").write_text('{"chat_template": "{{ newer }}"}', encoding="utf-8")
    (commits[COMMIT] / "README.md").write_text("a page about it", encoding="utf-8")
    desk.write(spec=f"{ON_HUB}{MACHINE}")
    with serving(Hub(commits)) as hub:
        desk.extra |= {"HF_ENDPOINT": hub.address, "HF_HUB_OFFLINE": "0", "HF_HOME": str(tmp_path / "hf")}
        yield hub


def lock_of(desk: Desk) -> dict[str, Any]:
    lock: dict[str, Any] = json.loads((desk.folder / "life.lock").read_text(encoding="utf-8"))
    return lock


def fetch_step(desk: Desk, *options: str) -> dict[str, Any]:
    answer = desk.run("plan", "--json", *options)
    assert answer.code == 0, answer
    step: dict[str, Any] = json.loads(answer.out)["plan"]["steps"][0]
    assert step["kind"] == "fetch.model"
    return step


def test_a_model_on_a_hub_is_locked_by_commit_and_file(desk: Desk, hub: Hub) -> None:
    assert desk.run("plan").code == 0
    assert hub.asked == [], "only `lock` asks a hub"
    assert fetch_step(desk)["parameters"]["revision"] is None

    answer = desk.run("lock")

    assert (answer.code, answer.out) == (0, "wrote life.lock\n"), answer
    assert "TW2019" not in answer.err, "it is pinned now"
    held = lock_of(desk)["models"][f"hf://{NAME}"]
    kept = ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]
    assert held["revision"] == COMMIT
    assert held["files"] == {name: digest_of_file(hub.commits[COMMIT] / name) for name in kept}
    assert held["shape"]["hidden_size"]
    assert not any(path.endswith("model.safetensors") for path, _ in hub.asked), "no weights are fetched"

    parameters = fetch_step(desk, "--locked")["parameters"]
    assert (parameters["revision"], parameters["files"]) == (COMMIT, held["files"])


def test_a_branch_that_moves_changes_nothing_until_it_is_locked_anew(desk: Desk, hub: Hub) -> None:
    assert desk.run("lock").code == 0
    kept, before = lock_of(desk), fetch_step(desk)
    hub.main = NEXT
    assert fetch_step(desk) == before == fetch_step(desk, "--locked")
    assert lock_of(desk) == kept

    assert desk.run("lock").out == "wrote life.lock\n"
    assert lock_of(desk)["models"][f"hf://{NAME}"]["revision"] == NEXT
    after = fetch_step(desk)
    assert after["parameters"]["revision"] == NEXT
    assert after["digest"] != before["digest"]


def test_a_machine_that_has_the_model_plans_the_same_bytes(desk: Desk, hub: Hub, tmp_path: Path) -> None:
    assert desk.run("lock").code == 0
    assert desk.run("plan", "--locked", "--out", "without.json").code == 0
    cached = tmp_path / "hf" / "hub" / f"models--{NAME.replace('/', '--')}"
    shutil.copytree(hub.commits[COMMIT], cached / "snapshots" / COMMIT)
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text(NEXT, encoding="ascii")
    shutil.copytree(hub.commits[NEXT], cached / "snapshots" / NEXT)
    assert desk.run("plan", "--locked", "--out", "with.json").code == 0
    assert (desk.folder / "with.json").read_bytes() == (desk.folder / "without.json").read_bytes()


def test_a_data_set_on_a_hub_is_locked_and_planned_by_its_files(desk: Desk, hub: Hub, tmp_path: Path) -> None:
    """Through a mirror that the spec names, which what is pinned does not depend on."""
    folder = tmp_path / "rows"
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "train-0.jsonl").write_text('{"prompt": "a", "completion": "b"}\n', encoding="utf-8")
    (folder / "data" / "test-0.jsonl").write_text("{}\n", encoding="utf-8")
    with serving(Hub({COMMIT: folder}, name="tiny/rows", kind="datasets")) as rows:
        source = "data: {notes: {source: 'hf://datasets/tiny/rows', format: prompt_completion, split: 'train[:1]'}}\n"
        model = "hf://Qwen/Qwen2.5-0.5B-Instruct@7ae557604adf67be50417f59c2c2f167def9a775"
        base = f"base: {{model: '{model}', endpoint: '{rows.address}'}}\n"
        train = "steps: {sft: {train: {method: sft, data: notes}}}\n"
        head = "api_version: tunewright/v1\nname: remote\n"
        desk.write(spec=head + base + source + train + MACHINE)
        (before,) = data_steps(desk)
        assert before["parameters"]["endpoint"] == rows.address
        assert before["identity"]["base.endpoint"] == rows.address

        answer = desk.run("lock")

        assert answer.code == 0, answer
        held = lock_of(desk)["data"]["notes"]
        assert held["files"] == {"data/train-0.jsonl": digest_of_file(folder / "data" / "train-0.jsonl")}
        assert (held["revision"], held["source"]) == (COMMIT, "hf://datasets/tiny/rows split=train")
        (step,) = data_steps(desk, "--locked")
        assert (step["parameters"]["files"], step["parameters"]["revision"]) == (held["files"], COMMIT)
        assert "base.endpoint" not in step["identity"], "where it comes from does not matter now"


def data_steps(desk: Desk, *options: str) -> list[dict[str, Any]]:
    answer = desk.run("plan", "--json", *options)
    assert answer.code == 0, answer
    steps: list[dict[str, Any]] = json.loads(answer.out)["plan"]["steps"]
    (reader,) = (step for step in steps if "data.notes" in step["inputs"])
    assert reader["inputs"]["data.notes"]["step"] == "fetch-notes"
    assert reader["not_executable"] is None
    return [step for step in steps if step["kind"] == "fetch.data"]


def test_a_hub_that_does_not_answer_leaves_the_model_unpinned_and_says_so(desk: Desk, hub: Hub) -> None:
    hub.token = "needed"
    refused = desk.run("lock")
    assert refused.code == 0
    assert "it may ask for a token (`base.token`) (HTTP 401)" in refused.err
    assert f"hf://{NAME} is not pinned" in refused.err
    desk.extra["HF_HUB_OFFLINE"] = "1"
    assert "HF_HUB_OFFLINE forbids to look it up" in desk.run("lock").err


def test_the_token_of_the_spec_is_shown_to_the_hub(desk: Desk, hub: Hub) -> None:
    hub.token = "needed"
    desk.write(spec=f"{ON_HUB}{MACHINE}".replace('model"}', 'model", token: "${secret:HUB}"}'))
    assert desk.run("secret", "set", "HUB", stdin="needed\n").code == 0
    assert "pinned" not in desk.run("lock").err
    assert lock_of(desk)["models"][f"hf://{NAME}"]["revision"] == COMMIT
    assert "needed" not in (desk.folder / "life.lock").read_text(encoding="utf-8")


@pytest.mark.parametrize("text", ["<<<<<<< ours\n{}\n", "[]", '{"lock_version": 9}'])
def test_a_lock_that_is_none_is_never_passed_over(desk: Desk, text: str) -> None:
    """A conflict of merging, most of all: without the pins another model would be fetched, and nobody told."""
    (desk.folder / "life.lock").write_text(text, encoding="utf-8")
    for command in ("check", "plan", "run"):
        answer = desk.run(command)
        assert answer.code == 1
        assert "--> life.lock:1:" in answer.out + answer.err
    assert (desk.folder / "life.lock").read_text(encoding="utf-8") == text
    assert desk.run("lock").code == 0
    assert desk.run("check").code == 0


def test_a_daemon_holds_itself_to_the_lock(served: Desk) -> None:
    """What this daemon would run in, unlike the client, has no environment `train` at all."""
    assert served.run("lock").code == 0
    for command in ("run", "submit", "plan"):
        answer = served.run(command, "--locked")
        assert answer.code == 1, answer
        assert "environments `train` is in the lock and not in the spec any more" in answer.err, answer
    lock = lock_of(served)
    lock["environments"] = {}
    (served.folder / "life.lock").write_text(json.dumps(lock), encoding="utf-8")
    assert served.run("submit", "--locked").code == 1, "the client's own differs now"
    assert json.loads(served.run("runs", "--json").out)["runs"] == []
