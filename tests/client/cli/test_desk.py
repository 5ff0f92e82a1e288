"""Commands that need no daemon: init, explain, secret, env, completion, schema, lock."""

import json
import re
import stat
from pathlib import Path

import pytest
from scripted.desk import Desk

from tunewright.client.cli.lockfile import lock_path, write_lock


@pytest.mark.parametrize("task", ["chat", "json", "preference"])
def test_init_writes_a_spec_that_is_sound(desk: Desk, task: str) -> None:
    answer = desk.run(
        "init",
        "fresh",
        "--task",
        task,
        "--model",
        "hf://Qwen/Qwen2.5-0.5B-Instruct@7ae557604adf67be50417f59c2c2f167def9a775",
    )
    assert answer.code == 0, answer
    spec = desk.folder / "fresh" / "life.yaml"
    modeline, *_ = spec.read_text().splitlines()
    schema = modeline.partition("$schema=")[2]
    assert json.loads((spec.parent / schema).read_text())["title"].startswith("Tunewright")
    checked = desk.run("check", "fresh/life.yaml")
    assert checked.out.startswith("fresh/life.yaml: ok in"), checked.out


def test_init_writes_over_nothing_unless_told(desk: Desk) -> None:
    assert desk.run("init", "fresh").code == 0
    rows = desk.folder / "fresh" / "data" / "rows.jsonl"
    rows.write_text("mine")
    again = desk.run("init", "fresh")
    assert again.code == 2
    assert "already there" in again.err
    assert rows.read_text() == "mine"
    assert desk.run("init", "fresh", "--force").code == 0
    assert rows.read_text() != "mine"


def test_explain_a_code_and_the_list_of_codes(desk: Desk) -> None:
    explained = desk.run("explain", "tw1003")
    assert explained.code == 0
    assert explained.out.startswith("error[TW1003]: unknown-key")
    assert "TW1003" in desk.run("explain", "--codes").out
    assert json.loads(desk.run("explain", "TW1003", "--json").out)["name"] == "unknown-key"


def test_explain_a_value_with_its_origin_and_what_depends_on_it(desk: Desk) -> None:
    answer = json.loads(desk.run("explain", "life.yaml", "steps.sft.train.num_train_epochs", "--json").out)
    assert answer["values"] == [
        {"path": "steps.sft.train.num_train_epochs", "value": 1.0, "origin": "written: life.yaml:7:105"}
    ]
    assert answer["dependents"] == ["sft", "exam", "better"]
    default = desk.run("explain", "life.yaml", "steps.sft.train.learning_rate")
    assert "default" in default.out
    unknown = desk.run("explain", "life.yaml", "steps.sft.train.learning_rat")
    assert unknown.code == 2
    assert "did you mean `steps.sft.train.learning_rate`?" in unknown.err


def test_secrets_are_kept_for_this_user_alone_and_never_shown(desk: Desk) -> None:
    assert desk.run("secret", "set", "HUB_TOKEN", stdin="s3cret\n").code == 0
    file = desk.home / "secrets" / "HUB_TOKEN"
    assert file.read_bytes() == b"s3cret"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    listed = desk.run("secret", "list")
    assert re.fullmatch(r"HUB_TOKEN  home  \d+ s\n", listed.out)
    assert desk.run("secret", "set", "HUB_TOKEN", stdin="").code == 2
    assert file.read_bytes() == b"s3cret"
    assert desk.run("secret", "remove", "HUB_TOKEN").code == 0
    assert not file.exists()
    assert desk.run("secret", "remove", "HUB_TOKEN").code == 1


def test_encrypted_secrets_get_a_key_file_and_another_one(desk: Desk, tmp_path: Path) -> None:
    key = tmp_path / "keys" / "secrets.key"
    desk.home.mkdir(exist_ok=True)
    (desk.home / "secrets.yaml").write_text(f"providers: [{{encrypted: {{key_file: {key}}}}}]\n")
    (tmp_path / "token.txt").write_text("s3cret value\n")
    kept = desk.run("secret", "set", "HUB_TOKEN", "--file", str(tmp_path / "token.txt"))
    assert kept.code == 0
    assert f"made the key file {key}" in kept.err
    assert desk.run("secret", "list").out.startswith("HUB_TOKEN  encrypted  ")
    before = key.read_bytes()
    assert f"sealed 1 secrets with a new key in {key}" in desk.run("secret", "rotate-key").err
    assert key.read_bytes() != before
    assert b"s3cret" not in (desk.home / "secrets.sealed").read_bytes()
    (desk.home / "secrets.yaml").write_text("providers: [{env: {names: [A]}}]\n")
    refused = desk.run("secret", "set", "HUB_TOKEN", stdin="x\n")
    assert refused.code == 1
    assert "where Tunewright does not write" in refused.err
    assert desk.run("secret", "rotate-key").code == 1


def test_environments_are_listed_with_what_they_are_for(desk: Desk) -> None:
    found = json.loads(desk.run("env", "list", "--json").out)["environments"]
    train = next(item for item in found if item["name"] == "train")
    assert train["digest"].startswith("sha256:")
    assert train["python"] is None
    assert "train" in desk.run("env", "list").out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(desk: Desk, shell: str) -> None:
    answer = desk.run("completion", shell)
    assert answer.code == 0
    assert "_TUNEWRIGHT_COMPLETE" in answer.out


def test_the_lock_is_written_only_when_it_changes(tmp_path: Path) -> None:
    spec = tmp_path / "life.yaml"
    assert write_lock(spec, {"b": 1, "a": {"d": 2, "c": 3}})
    assert lock_path(spec).read_text().splitlines()[1] == '  "a": {'
    before = lock_path(spec).stat().st_mtime_ns
    assert not write_lock(spec, {"a": {"c": 3, "d": 2}, "b": 1})
    assert lock_path(spec).stat().st_mtime_ns == before
    assert [item.name for item in tmp_path.iterdir()] == ["life.lock"]


def test_plan_writes_lock_and_sealed_plan(desk: Desk) -> None:
    answer = desk.run("plan", "--out", "plan.json")
    assert answer.code == 0, answer
    plan = json.loads((desk.folder / "plan.json").read_text())
    assert plan["lock"] == json.loads((desk.folder / "life.lock").read_text())
    assert plan["digest"].startswith("sha256:")
    (desk.folder / "life.lock").unlink()
    assert desk.run("plan", "--no-lock").code == 0
    assert not (desk.folder / "life.lock").exists()


def test_plan_of_a_step_shows_what_is_executed(desk: Desk) -> None:
    text = desk.run("plan", "--step", "sft").out
    assert "-m tunewright.runners.train_trl run {bundle}" in text
    assert "rows.jsonl" in text
    assert "written: life.yaml:7:" in text
    step = json.loads(desk.run("plan", "--step", "sft", "--json").out)
    assert step["kind"] == "train.trl"
