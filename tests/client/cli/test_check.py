"""`check` and what every command says about a wrong spec."""

import json
import subprocess
import sys

import pytest
from harness.daemons import PACKAGE_ROOT
from scripted.desk import SPEC, Desk

WRONG = SPEC.replace("num_train_epochs: 1", "num_train_epoch: 1").replace("method: sft", "method: sfd")


def test_a_sound_spec_ends_with_0_and_starts_nothing(desk: Desk) -> None:
    answer = desk.run("check")
    assert answer.code == 0, answer
    assert answer.out.startswith("life.yaml: ok")
    assert answer.out.endswith("(nothing was started)\n")
    assert not desk.home.exists()
    assert not (desk.folder / "life.lock").exists()


def test_all_mistakes_are_shown_at_once(desk: Desk) -> None:
    desk.write(spec=WRONG)
    answer = desk.run("check")
    assert answer.code == 1
    assert "error[TW1003]: unknown key `num_train_epoch`" in answer.out
    assert "did you mean `sft`" in answer.out
    assert "--> life.yaml:7:" in answer.out
    assert answer.out.rstrip().splitlines()[-1].startswith("life.yaml: 2 errors")


def test_concise_is_one_line_a_finding(desk: Desk) -> None:
    desk.write(spec=WRONG)
    *lines, verdict = desk.run("check", "--format", "concise").out.splitlines()
    assert len(lines) == 2
    assert all(line.startswith("life.yaml:7:") and "error[TW1" in line for line in lines)
    assert verdict.startswith("life.yaml: 2 errors")


def test_json_has_places_as_editors_count(desk: Desk) -> None:
    desk.write(spec=WRONG)
    (spec,) = json.loads(desk.run("check", "--json").out)["specs"]
    assert spec["errors"] == 2
    finding = next(item for item in spec["diagnostics"] if item["name"] == "unknown-key")
    column = WRONG.splitlines()[6].index("num_train_epoch") + 1
    assert (finding["span"]["start_line"], finding["span"]["start_column"]) == (7, column)
    assert finding["edits"][0]["replacement"] == "num_train_epochs"


def test_standard_input_and_several_files(desk: Desk) -> None:
    assert desk.run("check", "-", stdin=SPEC).out.startswith("<stdin>: ok")
    answer = desk.run("check", "life.yaml", "gone.yaml")
    assert answer.code == 1
    assert "life.yaml: ok" in answer.out
    assert "there is no file `gone.yaml`" in answer.err


@pytest.mark.parametrize("command", ["plan", "run"])
def test_a_wrong_spec_is_shown_before_anything_is_started(desk: Desk, command: str) -> None:
    desk.write(spec=WRONG)
    answer = desk.run(command)
    assert answer.code == 1
    assert "error[TW1003]" in answer.err
    assert "2 errors; nothing was started" in answer.err
    assert not desk.home.exists()


def test_set_and_profile_are_heard(desk: Desk) -> None:
    assert desk.run("check", "--set", "steps.sft.train.learning_rate=fast").code == 1
    answer = desk.run("check", "--profile", "prod")
    assert answer.code == 1
    assert "prod" in answer.out


@pytest.mark.parametrize("arguments", [["--help"], ["check", "life.yaml"], ["explain", "TW1003"], ["schema"], ["plan"]])
def test_these_import_nothing_heavy(desk: Desk, arguments: list[str]) -> None:
    """A mistake is found in a fraction of a second only when nothing is loaded that finding it does not need."""
    program = (
        "import sys; from tunewright.client.cli.main import run_command; code = run_command(sys.argv[1:]);"
        "never = {'grpc', 'google', 'torch', 'rich', 'transformers', 'asyncio', 'sqlite3', 'jinja2'};"
        "sys.stderr.write(f'HEAVY {sorted(never & set(sys.modules))} {code}')"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", program, *arguments],
        cwd=desk.folder,
        env={**desk.environment, "PYTHONPATH": PACKAGE_ROOT},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr.endswith("HEAVY [] 0"), done.stderr


def test_what_could_not_be_known_is_said(desk: Desk) -> None:
    desk.write(
        spec="""\
api_version: tunewright/v1
name: far
base: {model: "hf://nobody/unheard-of@0123456789abcdef0123456789abcdef01234567"}
data:
  rows: {source: "hf://datasets/nobody/rows@0123", format: messages}
steps:
  sft:
    train: {method: sft, data: rows}
"""
    )
    answer = desk.run("check")
    model = "`hf://nobody/unheard-of@0123456789abcdef0123456789abcdef01234567`"
    assert f"not looked at, because nothing is fetched here: {model}, the rows of `rows`\n" in answer.out
    (spec,) = json.loads(desk.run("check", "--json").out)["specs"]
    assert spec["not_looked_at"] == [model, "the rows of `rows`"]


def test_a_damaged_memory_is_said_and_does_no_harm(desk: Desk) -> None:
    desk.write(spec=SPEC)
    assert desk.run("check").code == 0
    remembered = [path for path in desk.folder.rglob("cache/facts/*/*") if path.is_file()]
    assert remembered
    for file in remembered:
        file.write_bytes(b"\x00 not what was written")
    answer = desk.run("check")
    assert answer.code == 0
    assert "was damaged; it is gathered anew" in answer.err
    assert desk.run("check").err == ""
