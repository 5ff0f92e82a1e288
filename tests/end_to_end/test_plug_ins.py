"""A package installed for real: its family is planned and trained, its runners are started by the daemon."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.train, pytest.mark.slow]

NOVA_MODEL = Path(__file__).parents[1] / "plug_ins" / "nova_model.py"
SPEC = """\
api_version: tunewright/v1
name: nova
base: {model: "dir:nova"}
data: {rows: {source: "file:rows.jsonl"}}
suites: {quiz: {file: quiz.jsonl, metric: acme.politeness}}
steps:
  sft: {train: {method: sft, data: rows, max_steps: 2, max_length: 64, precision: fp32, tokenize: ahead}}
  exam: {evaluate: {model: sft, suites: [quiz], runner: acme.exam}}
  enough: {gate: {require: "exam.quiz.politeness >= 0.75"}}
  pack: {export: {model: sft, runner: {name: acme.pack, options: {level: 9}}}}
allow: [{code: TW4008, reason: a tiny suite for a test}]
"""


def test_family_and_runners_of_a_package_do_a_whole_life(world: Any, plugged_environment: Path) -> None:
    python = str(plugged_environment / "bin" / "python")
    subprocess.run(
        [python, "-P", str(NOVA_MODEL), str(world.folder / "model"), str(world.folder / "nova")],
        check=True, capture_output=True,
    )  # fmt: skip
    assert world.run("env", "use", "train", "--python", python).code == 0
    (world.folder / "life.yaml").write_text(SPEC, encoding="utf-8")

    planned = world.run("plan", "life.yaml", "--json")

    assert planned.code == 0, planned.stderr + planned.stdout
    steps = {step["name"]: step for step in planned.json["plan"]["steps"]}
    assert all(step["identity"]["plug_in.family.acme_nova"] == "acme-tunewright 1.2" for step in
               (steps["tokens-sft"], steps["sft"], steps["exam"], steps["pack"]))  # fmt: skip
    assert steps["sft"]["estimate"]["trained_parameters"] > 0
    assert (steps["exam"]["kind"], steps["pack"]["kind"]) == ("acme.exam", "acme.pack")
    assert steps["pack"]["identity"]["plug_in.runner.acme.pack"] == "acme-tunewright 1.2"

    done = world.run("run", "life.yaml", "--json")

    assert done.code == 0, done.stderr + done.stdout
    assert {step["state"] for step in done.json["steps"]} == {"succeeded"}
    (packed,) = world.home.rglob("packed.json")
    told = json.loads(packed.read_text())
    assert told["level"] == 9
    assert "adapter_model.safetensors" in told["seen"]["adapter"]
    again = world.run("run", "life.yaml", "--json")
    assert {step["state"] for step in again.json["steps"]} <= {"reused", "succeeded"}, again.stdout
