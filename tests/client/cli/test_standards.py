"""What specs are held to at the command line: the lock, the policy, the language's version; and why things are so."""

import json
import shutil
from pathlib import Path
from xml.etree import ElementTree

import pytest
from scripted.desk import SPEC, Desk

POLICY = "api_version: tunewright/policy/v1\nname: bank\nerrors: [TW4008]\nrequire: {approvers: 2}\n"


def test_lock_then_locked(desk: Desk) -> None:
    missing = desk.run("check", "--locked")
    assert missing.code == 1
    assert "tunewright lock life.yaml" in missing.err
    assert desk.run("lock").out == "wrote life.lock\n"
    assert desk.run("lock").out == "life.lock says so already\n"
    for command in (["check"], ["plan"]):
        assert desk.run(*command, "--locked").code == 0
    lock = desk.folder / "life.lock"
    kept = lock.read_bytes()
    assert kept == json.dumps(json.loads(kept), ensure_ascii=False, indent=2, sort_keys=True).encode() + b"\n"

    with (desk.folder / "rows.jsonl").open("a") as stream:
        stream.write((desk.folder / "rows.jsonl").read_text().splitlines()[0] + "\n")
    for command in (["check"], ["plan"], ["run"]):
        drifted = desk.run(*command, "--locked")
        assert drifted.code == 1
        text = drifted.out + drifted.err
        assert text.count("error[TW7202]") == 1
        assert "data `rows` drifted: digest sha256:" in text
        assert "rows 16 -> 17" in text
    assert lock.read_bytes() == kept
    assert not desk.home.exists()
    assert desk.run("lock").out == "wrote life.lock\n"
    assert desk.run("check", "--locked").code == 0


def test_standard_input_has_no_lock(desk: Desk) -> None:
    assert desk.run("lock", "-", stdin=SPEC).code == 2
    answer = desk.run("check", "-", "--locked", stdin=SPEC)
    assert answer.code == 1
    assert "has no lock" in answer.err


def test_a_copied_folder_with_the_same_lock_compiles_to_the_same_bytes(desk: Desk, tmp_path: Path) -> None:
    """Elsewhere: another folder, user, time zone, hash seed, home and language."""
    machine = "resources: {accelerator: a100-80gb, count: 2}\n"
    desk.write(spec=SPEC + machine)
    assert desk.run("lock").code == 0
    assert desk.run("plan", "--locked", "--out", "plan.json").code == 0
    other = Desk(tmp_path / "another place" / "käse", tmp_path / "other home")
    shutil.copytree(desk.folder, other.folder, ignore=shutil.ignore_patterns("plan.json", "cache"))
    elsewhere = {
        "TZ": "Pacific/Chatham",
        "PYTHONHASHSEED": "4711",
        "USER": "somebody",
        "LOGNAME": "somebody",
        "HOME": str(tmp_path / "nobody"),
        "LC_ALL": "C",
    }
    for name, value in elsewhere.items():
        other.extra[name] = value
    answer = other.run("plan", "--locked", "--out", "plan.json")
    assert answer.code == 0, answer
    assert (other.folder / "plan.json").read_bytes() == (desk.folder / "plan.json").read_bytes()
    assert (other.folder / "life.lock").read_bytes() == (desk.folder / "life.lock").read_bytes()


def test_a_policy_is_found_and_can_not_be_lowered(desk: Desk) -> None:
    spec = SPEC + "  sign: {approve: {role: risk, approvers: 1}}\n"
    allow = "allow: [{code: TW7005, reason: we are only one}, {code: TW4008, reason: small but enough}]\n"
    desk.write(spec=spec + allow)
    assert desk.run("check").code == 0
    file = desk.folder / "policy.yaml"
    file.write_text(POLICY)
    held = desk.run("check", "--policy", "policy.yaml")
    assert held.code == 1
    assert "error[TW7107]: 1 approver, where 2 must agree" in held.out
    assert "::: policy.yaml" in held.out
    desk.extra["TUNEWRIGHT_POLICY"] = str(file)
    assert "TW7107" in desk.run("check").out
    file.write_text(POLICY + "forbidden: {}\n")
    assert "did you mean `forbid`" in desk.run("check").out
    file.unlink()
    gone = desk.run("check")
    assert gone.code == 1
    assert "there is no policy" in gone.err


def test_reports_of_the_command_line(desk: Desk) -> None:
    wrong = SPEC.replace("num_train_epochs", "num_train_epoch")
    (desk.folder / "wrong.yaml").write_text(wrong)
    arguments = ["check", "life.yaml", "wrong.yaml", "gone.yaml"]
    sarif = desk.run(*arguments, "--format", "sarif")
    assert sarif.code == 1
    assert [item["ruleId"] for item in json.loads(sarif.out)["runs"][0]["results"]] == ["TW1003"]
    assert len(json.loads(desk.run(*arguments, "--format", "gitlab").out)) == 2
    suites = ElementTree.fromstring(desk.run(*arguments, "--format", "junit").out)
    assert [suite.get("name") for suite in suites] == ["life.yaml", "wrong.yaml", "gone.yaml"]
    assert desk.run(*arguments, "--format", "github").out.count("::error ") == 2
    for form in ("sarif", "github", "gitlab", "junit"):
        assert desk.run("check", "life.yaml", "--format", form).code == 0
        plan = desk.run("plan", "wrong.yaml", "--format", form, "--no-lock")
        assert plan.code == 1
        assert "num_train_epoch" in plan.out
    concise = desk.run("plan", "--format", "concise", "--no-lock").out.splitlines()
    assert [line.split()[:2] for line in concise] == [["create", name] for name in ("base", "sft", "exam", "better")]


def test_explain_says_what_lies_over_a_value(desk: Desk) -> None:
    profile = "profiles: {long: {steps: {sft: {train: {num_train_epochs: 5}}}}}\n"
    desk.write(spec=SPEC + profile)
    path = "steps.sft.train.num_train_epochs"
    options = ["--profile", "long", "--set", f"{path}=7", "--json"]
    found = json.loads(desk.run("explain", "life.yaml", path, *options).out)
    assert [row["value"] for row in found["values"]] == [7]
    assert [row["value"] for row in found["replaced"]] == [1, 5]
    assert found["replaced"][1]["origin"].startswith("profile long: life.yaml:10:")
    assert found["dependents"] == ["sft", "exam", "better"]
    assert all(digest.startswith("sha256:") for digest in found["digests"].values())
    assert json.loads(desk.run("explain", "life.yaml", path, "--json").out)["replaced"] == []


def test_explain_why_a_step_would_be_done_again(served: Desk) -> None:
    assert served.run("run").code == 0
    assert "better is reused" in served.run("explain", "life.yaml", "--why-rerun", "better").out
    changed = ["--set", "steps.sft.train.learning_rate=3e-4", "--set", "steps.sft.train.warmup_ratio=0.3"]
    text = served.run("explain", "life.yaml", "--why-rerun", "exam", *changed).out
    assert text.startswith("exam would be done again, because\n")
    assert "steps.sft.train.learning_rate" in text
    assert "steps.sft.train.warmup_ratio" in text
    chain = json.loads(served.run("explain", "life.yaml", "--why-rerun", "exam", *changed, "--json").out)["reasons"]
    assert [item["step"] for item in chain] == ["exam", "sft"]
    unknown = served.run("explain", "life.yaml", "--why-rerun", "exma")
    assert unknown.code == 2
    assert "base, sft, exam, better" in unknown.err


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_migrate_changes_the_file_in_place(desk: Desk, ending: str) -> None:
    old = SPEC.replace("tunewright/v1", "tunewright/v0").replace("metric: exact", "metric: exact, schema: s.json")
    content = ("# kept\n" + old).replace("\n", ending).encode()
    desk.spec.write_bytes(content)
    desk.spec.chmod(0o640)
    assert "`tunewright migrate`" in desk.run("check").out
    checked = desk.run("migrate", "--check")
    assert checked.code == 1
    assert "life.yaml:2:14: api_version: tunewright/v0 -> tunewright/v1" in checked.out
    assert desk.spec.read_bytes() == content
    assert desk.run("migrate").code == 0
    assert desk.spec.read_bytes() == content.replace(b"/v0", b"/v1").replace(b"schema:", b"json_schema:")
    assert desk.spec.stat().st_mode & 0o777 == 0o640
    assert desk.run("migrate", "--check").out == "life.yaml is up to date\n"
