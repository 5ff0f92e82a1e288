"""A package of somebody else, installed for real into an environment, adds what specs name."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tunewright.compiler.collect.plug_ins import collect_plug_ins
from tunewright.compiler.front import Compilation, compile_text
from tunewright.compiler.ir.facts import EnvironmentFacts
from tunewright.compiler.render.concise import render_concise
from tunewright.runners import contract
from tunewright.spec.plug_ins import GROUPS

pytestmark = pytest.mark.train

PREPARING = {"name": "rows", "format": "prompt_completion", "columns": None, "scrub": [], "deduplicate": None}
PLUGGED = {"preprocess": ["acme.split"], "filter": ["acme.short"]}


@pytest.fixture(scope="module")
def plugged(bench: Any, plugged_environment: Path) -> Iterator[Any]:
    """The bench with that environment's interpreter."""
    before, bench.python = bench.python, str(plugged_environment / "bin" / "python")
    yield bench
    bench.python = before


def compiled(folder: Path, plugged_environment: Path, **changes: str) -> Compilation:
    words = {"preprocess": "acme.split", "filter": "acme.short", "metric": "acme.politeness", "loss": "acme.halved"}
    words |= changes
    text = f"""
api_version: tunewright/v1
name: plugged
base: {{model: "hf://Qwen/Qwen2.5-0.5B-Instruct@7ae557604adf67be50417f59c2c2f167def9a775"}}
data: {{rows: {{source: "file:rows.jsonl", preprocess: {words["preprocess"]}, filter: [{words["filter"]}]}}}}
suites: {{exam: {{file: exam.jsonl, metric: {words["metric"]}}}}}
steps:
  sft: {{train: {{method: sft, data: rows, loss: {words["loss"]}}}}}
  test: {{evaluate: {{model: sft, suites: exam}}}}
  enough: {{gate: {{require: ["test.exam.politeness >= 0.5"]}}}}
"""
    rows = [{"prompt": f"What is {number}?", "completion": str(number)} for number in range(40)]
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    (folder / "exam.jsonl").write_text('{"prompt": "a", "expected": "anything"}\n', encoding="utf-8")
    known = {"train": EnvironmentFacts(name="train", digest="sha256:0", installed=True, path=str(plugged_environment))}
    return compile_text(text, name="life.yaml", base_directory=folder, environments=known, secrets_known=frozenset())


def test_compiler_knows_what_is_installed_and_binds_its_version(tmp_path: Path, plugged_environment: Path) -> None:
    known = collect_plug_ins(tuple(GROUPS), str(plugged_environment))
    assert {item.name for item in known if item.distribution == "acme-tunewright"} >= {
        "acme.split", "acme.short", "acme.halved", "acme.politeness",
    }  # fmt: skip

    compilation = compiled(tmp_path, plugged_environment)

    assert not compilation.has_errors, render_concise(compilation.diagnostics)
    assert compilation.plan is not None
    identities = {step.name: step.identity for step in compilation.plan.steps}
    assert identities["data-rows"]["plug_in.preprocessor.acme.split"] == "acme-tunewright 1.2"
    assert identities["data-rows"]["plug_in.filter.acme.short"] == "acme-tunewright 1.2"
    assert identities["sft"]["plug_in.loss.acme.halved"] == "acme-tunewright 1.2"
    assert identities["test"]["plug_in.metric.acme.politeness"] == "acme-tunewright 1.2"
    assert compilation.plan.lock["plug_ins"]["loss acme.halved"] == "acme-tunewright 1.2"
    assert all(step.not_executable is None for step in compilation.plan.steps)


def test_name_that_nobody_offers_is_found_before_anything_runs(tmp_path: Path, plugged_environment: Path) -> None:
    compilation = compiled(tmp_path, plugged_environment, filter="acme.shrt", loss="other.loss")
    found = {item.message: item.help for item in compilation.diagnostics if item.code == "TW2061"}
    assert found["no package in the environment `train` offers the filter `acme.shrt`"] == "did you mean `acme.short`?"
    assert "`tunewright.losses`" in str(found["no package in the environment `train` offers the loss `other.loss`"])


def test_rows_pass_through_preprocessor_and_filter(plugged: Any) -> None:
    data = plugged.folder / "plugged.jsonl"
    rows = [{"prompt": "a|b", "completion": "short"}, {"prompt": "c", "completion": "much too long"}]
    data.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    bundle = plugged.bundle("prepared", "prepare.data", {"data": data}, {**PREPARING, **PLUGGED})

    finished = plugged.run("prepare_data", bundle)

    assert finished.code == contract.ExitCode.OK, finished.stderr
    left = [json.loads(line) for line in (bundle / "outputs" / "rows.jsonl").read_text().splitlines()]
    assert [(row["prompt"], row["_source"]) for row in left] == [("a", "plugged.jsonl:1"), ("b", "plugged.jsonl:1")]
    report = json.loads((bundle / "outputs" / "report.json").read_text())
    assert report["left_out"] == [{"row": "plugged.jsonl:2", "why": "acme.short leaves it out"}]


def test_environment_without_the_package_refuses_the_step(plugged: Any, train_python: str) -> None:
    data = plugged.folder / "plugged.jsonl"
    bundle = plugged.bundle("missing", "prepare.data", {"data": data}, {**PREPARING, "filter": ["acme.short"]})
    there, plugged.python = plugged.python, train_python
    try:
        finished = plugged.run("prepare_data", bundle)
    finally:
        plugged.python = there
    assert finished.code == contract.ExitCode.UNAVAILABLE
    assert finished.failure["reason"] == "PLUG_IN_MISSING"
    assert "tunewright.filters" in finished.failure["help"]


def test_metric_scores_replies(plugged: Any, tiny_folder: Path) -> None:
    suite = plugged.folder / "exam.jsonl"
    rows = [{"prompt": "route ticket", "expected": expected} for expected in ("anything", "thanks")]
    suite.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    parameters = {
        "max_new_tokens": 2, "temperature": 0, "batch_size": 2, "seed": 0, "precision": "fp32", "device": "cpu",
        "threads": 1, "system_prompt": None, "suites": {"exam": {"metric": "acme.politeness"}},
    }  # fmt: skip
    inputs = {"model": tiny_folder, "suite.exam": suite}
    bundle = plugged.bundle("measured", "evaluate.suites", inputs, parameters)
    finished = plugged.run("evaluate_suites", bundle)
    assert finished.code == contract.ExitCode.OK, finished.stderr
    measured = json.loads((bundle / "outputs" / "metrics.json").read_text())["exam"]
    assert (measured["politeness"], measured["rows"]) == (0.5, 2)
