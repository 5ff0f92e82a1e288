"""evaluate.harness: local data become lm-eval tasks; with the `harness` environment they are answered for real."""

import csv
import json
import os
from pathlib import Path
from typing import Any

import pytest

from tunewright.runners.evaluation.benchmarks import write_tasks
from tunewright.runners.sdk import StepFailedError

PYTHON = os.environ.get("TUNEWRIGHT_HARNESS_PYTHON", "")
ROW = ["What follows?", "one", "two", "three", "four", "C"]


@pytest.fixture
def mmlu(tmp_path: Path) -> Path:
    """A folder in MMLU's layout: two subjects of eight and two rows."""
    for subject, count in (("anatomy", 8), ("virology", 2)):
        for split, rows in (("test", count), ("dev", 5)):
            path = tmp_path / "mmlu" / split / f"{subject}_{split}.csv"
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("w", newline="") as stream:
                csv.writer(stream).writerows([f"{number}: {ROW[0]}", *ROW[1:]] for number in range(rows))
    return tmp_path / "mmlu"


@pytest.fixture
def harness(tmp_path: Path) -> Path:
    """A folder where lm-eval's own task files would lie."""
    folder = tmp_path / "lm_eval"
    for subject in ("anatomy", "virology"):
        path = folder / "tasks/mmlu/default" / f"mmlu_{subject}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}")
    return folder


def test_local_data_replace_the_data_and_nothing_else(mmlu: Path, harness: Path, tmp_path: Path) -> None:
    (tmp_path / "tasks").mkdir()
    tasks = write_tasks("exam", "mmlu", None, mmlu, harness, tmp_path / "tasks")
    assert [(task.name, task.subject, task.rows) for task in tasks] == [
        ("tunewright_exam_anatomy", "anatomy", 8),
        ("tunewright_exam_virology", "virology", 2),
    ]
    written = json.loads((tmp_path / "tasks/tunewright_exam_anatomy.yaml").read_text())
    assert written["include"] == str(harness / "tasks/mmlu/default/mmlu_anatomy.yaml")
    assert set(written) == {"include", "task", "tag", "dataset_path", "dataset_name", "dataset_kwargs"}
    test = Path(written["dataset_kwargs"]["data_files"]["test"]).read_text().splitlines()
    assert json.loads(test[0]) == {"question": f"0: {ROW[0]}", "choices": ROW[1:5], "answer": 2}


@pytest.mark.parametrize(("limit", "rows"), [(1, [1]), (4, [2, 2]), (7, [4, 2]), (100, [8, 2])])
def test_a_limit_is_shared_by_the_subjects(
    mmlu: Path, harness: Path, tmp_path: Path, limit: int, rows: list[int]
) -> None:
    (tmp_path / "tasks").mkdir()
    tasks = write_tasks("exam", "mmlu", limit, mmlu, harness, tmp_path / "tasks")
    assert [task.rows for task in tasks] == rows


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (lambda data: (data / "dev/anatomy_dev.csv").unlink(), "anatomy_dev.csv is missing"),
        (lambda data: (data / "test/anatomy_test.csv").write_text("a,b,c\n"), "anatomy_test.csv:1: not question"),
        (lambda data: (data / "test/anatomy_test.csv").rename(data / "test/alchemy_test.csv"), "no subject `alchemy`"),
    ],
)
def test_broken_data_are_named(mmlu: Path, harness: Path, tmp_path: Path, break_it: Any, said: str) -> None:
    (tmp_path / "tasks").mkdir()
    break_it(mmlu)
    with pytest.raises(StepFailedError) as caught:
        write_tasks("exam", "mmlu", None, mmlu, harness, tmp_path / "tasks")
    assert said in str(caught.value)
    assert caught.value.reason == "SUITE_INVALID"


def test_an_unknown_benchmark_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StepFailedError, match="no local form"):
        write_tasks("exam", "arc", None, tmp_path, tmp_path, tmp_path)


@pytest.mark.train
@pytest.mark.skipif(not PYTHON, reason="TUNEWRIGHT_HARNESS_PYTHON names no interpreter with lm-eval")
def test_lm_eval_answers_and_its_figures_are_mapped(bench: Any, tiny_folder: Path, mmlu: Path) -> None:
    parameters = {
        "tasks": {"exam": {"task": "mmlu", "limit": 6}},
        "num_fewshot": 0,
        "apply_chat_template": False,
        "batch_size": 4,
        "seed": 0,
        "precision": "fp32",
        "device": "cpu",
        "threads": 1,
    }
    bench.python = PYTHON
    bundle = bench.bundle("harness", "evaluate.harness", {"model": tiny_folder, "task.exam": mmlu}, parameters)
    ended = bench.run("evaluate_harness", bundle)
    assert ended.code == 0, ended.stderr
    measured = json.loads((bundle / "outputs/metrics.json").read_text())["exam"]
    samples = [json.loads(line) for line in (bundle / "outputs/samples.jsonl").read_text().splitlines()]
    assert measured["rows"] == len(samples) == 5
    assert measured["accuracy"] == pytest.approx(sum(row["scores"]["acc"] for row in samples) / 5)
    assert {"accuracy_anatomy", "accuracy_virology"} <= set(measured)
    assert all(row["hashes"]["doc_hash"] for row in samples)
