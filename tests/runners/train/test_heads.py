"""Classifiers and embeddings: they learn, say how they are used, and load as strangers load them."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tunewright.compiler.facts.metrics import METRICS

pytestmark = pytest.mark.train

TEAMS = ["account", "billing", "network"]
CLASSIFY: dict[str, Any] = {
    "method": "classify",
    "data": {"rows": {"format": "text_label"}},
    "options": {"labels": TEAMS},
    "evaluation_share": 0.25,
    "max_steps": 8,
    "num_train_epochs": 2,
    "loss_on": "all",
}
EMBED: dict[str, Any] = {
    "method": "embed",
    "data": {"rows": {"format": "anchor_positive"}},
    "options": {"pooling": "last_token", "temperature": 0.05},
    "evaluation_share": 0.25,
    "max_steps": 8,
    "num_train_epochs": 3,
    "loss_on": "all",
}
TRIPLETS = [
    {"anchor": f"open claim {n}", "positive": f"claim {n}, priority high", "negative": f"claim {n + 1}, priority low"}
    for n in range(20)
]
LONE = {"anchor": "open claim 20", "positive": "claim 20, priority high"}
ACCUMULATED = {"per_device_train_batch_size": 4, "gradient_accumulation_steps": 2}
EXAM = {"batch_size": 4, "precision": "fp32", "device": "cpu", "threads": 1, "max_length": 128}


@pytest.fixture(scope="module")
def runs(trainer: Any, parts: Any) -> dict[str, Any]:
    mean = {"options": {"pooling": "mean", "temperature": 0.05}}
    bundles = {
        "classify": trainer.bundle("classify", CLASSIFY, {"save_steps": 4}),
        "classify-full": trainer.bundle("classify-full", CLASSIFY, parts["full"], {"learning_rate": 5e-3}),
        "embed": trainer.bundle("embed", EMBED),
        "embed-full": trainer.bundle("embed-full", EMBED, parts["full"], mean, rows=[*TRIPLETS, LONE]),
        "accumulated": trainer.bundle("accumulated", CLASSIFY, ACCUMULATED, {"max_steps": 3}),
        "stranger": trainer.bundle("stranger", CLASSIFY, rows=[{"text": "route ticket 3", "label": "kitchen"}] * 8),
    }
    return dict(zip(bundles, trainer.run_together(*bundles.values()), strict=True))


@pytest.mark.parametrize("name", ["classify", "classify-full"])
def test_a_classifier_tells_the_classes(runs: dict[str, Any], name: str) -> None:
    summary = runs[name].summary
    assert summary["loss_last"] < summary["loss_first"] - 0.5
    assert summary["accuracy"] > 0.9
    assert summary["macro_f1"] > 0.9
    (first, *_) = [event["values"] for event in runs[name].of("metric") if "eval_accuracy" in event["values"]]
    assert {"eval_loss", "eval_accuracy", "eval_macro_f1"} <= first.keys()


def test_a_classifier_says_its_classes(runs: dict[str, Any]) -> None:
    whole = json.loads((runs["classify-full"].outputs / "config.json").read_text())
    assert whole["architectures"] == ["LlamaForSequenceClassification"]
    assert list(whole["id2label"].values()) == TEAMS
    assert json.loads((runs["classify"].outputs / "labels.json").read_text()) == TEAMS
    assert json.loads((runs["classify"].outputs / "adapter_config.json").read_text())["task_type"] == "SEQ_CLS"
    assert runs["classify"].summary["trainable_parameters"] == 16384 + 3 * 64, "the head learns beside the adapter"


@pytest.mark.parametrize("name", ["embed", "embed-full"])
def test_embeddings_find_what_belongs_together(runs: dict[str, Any], name: str) -> None:
    summary = runs[name].summary
    assert summary["loss_last"] < summary["loss_first"] - 0.5
    figures = [event["values"] for event in runs[name].of("metric") if "eval_mrr" in event["values"]]
    assert figures[-1]["eval_mrr"] > figures[0]["eval_mrr"]
    assert summary["mrr"] == figures[-1]["eval_mrr"]
    pooling = json.loads((runs[name].outputs / "1_Pooling/config.json").read_text())
    assert pooling["pooling_mode_mean_tokens" if name == "embed-full" else "pooling_mode_lasttoken"]
    modules = json.loads((runs[name].outputs / "modules.json").read_text())
    assert [module["path"] for module in modules] == ["", "1_Pooling", "2_Normalize"]


def test_a_label_that_no_class_has_is_named_by_file_and_line(runs: dict[str, Any]) -> None:
    assert runs["stranger"].reason == "LABEL_UNKNOWN"
    assert "rows.jsonl:1: `kitchen`" in runs["stranger"].of("failure")[0]["message"]


def test_the_arithmetic_of_vectors(trainer: Any) -> None:
    script = Path(__file__).with_name("check_contrast.py")
    done = subprocess.run(
        [trainer.python, "-P", str(script)], env=trainer.environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_step_in_parts_is_the_same_step(runs: dict[str, Any]) -> None:
    assert runs["accumulated"].losses == pytest.approx(runs["classify"].losses[:3], abs=2e-5)


@pytest.mark.parametrize("name", ["classify", "embed"])
def test_two_processes_learn_what_one_learns(trainer: Any, nursery: Any, runs: dict[str, Any], name: str) -> None:
    both = {"parallelism": {"strategy": "ddp", "processes": 2}, "per_device_train_batch_size": 4, "max_steps": 3}
    plain = {"classify": CLASSIFY, "embed": EMBED}[name]
    together = nursery.run(trainer.bundle(f"{name}-ddp", plain, both), processes=2)
    assert together.summary["steps"] == 3
    assert together.losses == pytest.approx(runs[name].losses[:3], abs=2e-5)


@pytest.fixture(scope="module")
def exam(bench: Any, trainer: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A function that examines what a training has left; it gives metrics, samples and how the process ended."""

    def examine(kind: str, name: str, trained: Any, metric: str, rows: list[tuple[str, str]]) -> Any:
        suite = tmp_path_factory.mktemp(name) / "suite.jsonl"
        suite.write_text("".join(json.dumps({"prompt": ask, "expected": wanted}) + "\n" for ask, wanted in rows))
        adapter = (trained.outputs / "adapter_config.json").exists()
        model = {"model": trainer.model, "adapter": trained.outputs} if adapter else {"model": trained.outputs}
        parameters = {**EXAM, "suites": {"quiz": {"metric": metric}}}
        bundle = bench.bundle(name, kind, {**model, "suite.quiz": suite}, parameters)
        return bench.run(kind.replace(".", "_"), bundle), bundle / "outputs"

    return examine


def test_a_classifier_is_examined(runs: dict[str, Any], exam: Any) -> None:
    rows = [(f"route ticket number {n}: team {team}", team.upper() + ".") for n in range(4) for team in TEAMS]
    done, outputs = exam("evaluate.labels", "labels", runs["classify"], "accuracy", rows)
    assert done.code == 0, done.stderr
    metrics = json.loads((outputs / "metrics.json").read_text())["quiz"]
    assert metrics["rows"] == 12
    assert metrics["accuracy"] > 0.9
    assert metrics["macro_f1"] > 0.9
    assert {*metrics, "accuracy_stderr"} == {*METRICS["accuracy"].reports, "rows"}
    assert json.loads((outputs / "samples.jsonl").read_text().splitlines()[0])["reply"] in TEAMS


@pytest.mark.parametrize(("name", "makes"), [("classify", "label"), ("embed", "vector")])
def test_an_export_answers_as_base_and_adapter_did(
    bench: Any, trainer: Any, runs: dict[str, Any], name: str, makes: str
) -> None:
    parameters = {"makes": makes, "max_shard_size_bytes": 2**30, "precision": "fp32", "device": "cpu", "threads": 1}
    inputs = {"model": trainer.model, "adapter": runs[name].outputs}
    bundle = bench.bundle(f"export-{name}", "export.head", inputs, parameters)
    done = bench.run("export_head", bundle)
    assert done.code == 0, done.stderr
    left = {path.name for path in (bundle / "outputs").iterdir()}
    assert not left & {"adapter_config.json", "adapter_model.safetensors", "labels.json"}
    assert {"model.safetensors", "tokenizer.json", "config.json", "export.json"} <= left
    record = json.loads((bundle / "outputs/export.json").read_text())
    assert record["max_difference"] < 1e-3
    if makes == "label":
        assert json.loads((bundle / "outputs/config.json").read_text())["id2label"] == dict(
            zip("012", TEAMS, strict=True)
        )
    else:
        assert {"modules.json", "1_Pooling"} <= left


def test_an_exam_that_expects_another_label_is_refused(runs: dict[str, Any], exam: Any) -> None:
    done, _ = exam("evaluate.labels", "strange", runs["classify-full"], "accuracy", [("route ticket 3", "kitchen")])
    assert done.code == 1
    assert "suite.jsonl:1: expects `kitchen`" in done.stderr


def test_an_embedding_model_is_examined(runs: dict[str, Any], exam: Any) -> None:
    rows = [(f"open claim {n}", f"claim {n}, priority high") for n in range(20)]
    done, outputs = exam("evaluate.vectors", "vectors", runs["embed-full"], "retrieval", rows)
    assert done.code == 0, done.stderr
    metrics = json.loads((outputs / "metrics.json").read_text())["quiz"]
    assert {*metrics} == {*METRICS["retrieval"].reports, "rows"}
    assert metrics["recall_at_10"] > 0.8
    assert metrics["recall_at_1"] <= metrics["mrr"] <= metrics["recall_at_10"]
