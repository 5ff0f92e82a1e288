"""evaluate.suites on the tiny model: real processes, replies of its own as the expected ones."""

import json
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.train

PARAMETERS: dict[str, Any] = {
    "max_new_tokens": 8,
    "temperature": 0,
    "batch_size": 4,
    "seed": 0,
    "precision": "fp32",
    "device": "cpu",
    "threads": 1,
    "system_prompt": None,
}


def write_rows(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def questions(count: int, expected: str = "never") -> list[dict[str, Any]]:
    return [
        {"id": f"q{n}", "prompt": "route ticket " * (1 + n % 5) + str(n), "expected": expected} for n in range(count)
    ]


def test_half_of_the_replies_right_is_a_half_whatever_the_batch(bench: Any, tiny_folder: Path, tmp_path: Path) -> None:
    rows = questions(10)
    suite = write_rows(tmp_path / "suite.jsonl", rows)
    inputs = {"model": tiny_folder, "suite.exam": suite}
    parameters = {**PARAMETERS, "suites": {"exam": {"metric": "exact"}}}
    first = bench.run("evaluate_suites", bench.bundle("first", "evaluate.suites", inputs, parameters))
    assert first.code == 0, first.stderr

    replies = [json.loads(line) for line in (bench.folder / "first/outputs/samples.jsonl").read_text().splitlines()]
    assert [row["id"] for row in replies] == [row["id"] for row in rows]
    assert len({row["reply"] for row in replies}) > 1, "the model answers different prompts differently"
    for row, sample in zip(rows[:5], replies[:5], strict=True):
        row["expected"] = f"  {sample['reply']} \n"
    write_rows(suite, rows)
    for name, batch_size in (("second", 4), ("third", 10)):
        bundle = bench.bundle(name, "evaluate.suites", inputs, {**parameters, "batch_size": batch_size})
        assert bench.run("evaluate_suites", bundle).code == 0
    metrics = (bench.folder / "second/outputs/metrics.json").read_bytes()
    assert metrics == (bench.folder / "third/outputs/metrics.json").read_bytes()
    assert json.loads(metrics) == {"exam": {"exact": 0.5, "exact_stderr": 0.166667, "rows": 10}}
    assert (
        first.of("evaluation")[0] | {"suite": "exam", "metric": "exact", "value": 0.0, "rows": 10}
        == first.of("evaluation")[0]
    )
    assert first.of("progress")[-1]["done"] == 10
    assert len(first.of("sample")) == 2


def test_an_adapter_changes_the_answers(bench: Any, tiny_folder: Path, make_adapter: Any, tmp_path: Path) -> None:
    suite = write_rows(tmp_path / "suite.jsonl", questions(4))
    parameters = {**PARAMETERS, "suites": {"exam": {"metric": "exact"}}}
    inputs = {"model": tiny_folder, "suite.exam": suite}
    assert bench.run("evaluate_suites", bench.bundle("base", "evaluate.suites", inputs, parameters)).code == 0
    inputs["adapter"] = make_adapter("q_proj", "v_proj", "down_proj")
    assert bench.run("evaluate_suites", bench.bundle("tuned", "evaluate.suites", inputs, parameters)).code == 0
    base, tuned = ((bench.folder / name / "outputs/samples.jsonl").read_text() for name in ("base", "tuned"))
    assert base != tuned


@pytest.mark.parametrize(
    ("settings", "rows", "said"),
    [
        ({"metric": "exact"}, [*questions(2), {"id": "x", "prompt": "hello"}], ":3: `expected` is missing"),
        (
            {"metric": "exact"},
            [{"id": "x", "expected": "hello"}],
            ":1: `prompt` is missing (columns here: expected, id)",
        ),
        (
            {"metric": "multiple_choice"},
            [{"question": "?", "choices": ["a", "b"], "answer": 2}],
            ":1: `answer` must be",
        ),
        ({"metric": "regex", "pattern": "("}, questions(1), "not a regular expression"),
        ({"metric": "json_schema"}, questions(1), "names no schema"),
        ({"metric": "exact"}, [], "has no rows"),
    ],
)
def test_a_bad_suite_is_refused_before_the_model_is_loaded(
    bench: Any, tmp_path: Path, settings: dict[str, Any], rows: list[dict[str, Any]], said: str
) -> None:
    suite = write_rows(tmp_path / "suite.jsonl", rows)
    inputs = {"model": tmp_path / "no-such-model", "suite.exam": suite}
    bundle = bench.bundle(tmp_path.name, "evaluate.suites", inputs, {**PARAMETERS, "suites": {"exam": settings}})
    ended = bench.run("evaluate_suites", bundle)
    assert ended.code == 1
    assert ended.failure["reason"] == "SUITE_INVALID"
    assert said in ended.failure["message"]
    assert "Traceback" not in ended.stderr


def test_a_prompt_beyond_the_context_names_its_row(bench: Any, tiny_folder: Path, tmp_path: Path) -> None:
    suite = write_rows(tmp_path / "suite.jsonl", [*questions(1), {"prompt": "word " * 400, "expected": "x"}])
    parameters = {**PARAMETERS, "suites": {"exam": {"metric": "exact"}}}
    bundle = bench.bundle("long", "evaluate.suites", {"model": tiny_folder, "suite.exam": suite}, parameters)
    ended = bench.run("evaluate_suites", bundle)
    assert f"{suite}:2: " in ended.failure["message"]
    assert "the model takes 256" in ended.failure["message"]


NAIVE = """
import json, sys, torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from tunewright.runners.evaluation.likelihood import choice_likelihoods
model = AutoModelForCausalLM.from_pretrained(sys.argv[1]).eval()
tokenizer = AutoTokenizer.from_pretrained(sys.argv[1])
prompt = tokenizer("route ticket number 3 to:")["input_ids"]
choices = [tokenizer(text)["input_ids"] for text in ("a", "billing, priority low.", "network", "claim number 12")]
whole = []
for choice in choices:
    with torch.no_grad():
        logits = torch.log_softmax(model(torch.tensor([prompt + choice])).logits[0], -1)
    whole.append(sum(float(logits[len(prompt) - 1 + at, token]) for at, token in enumerate(choice)))
print(json.dumps([choice_likelihoods(model, prompt, choices), whole]))
"""


def test_choices_that_share_a_prefix_weigh_what_they_weigh_alone(train_python: str, tiny_folder: Path) -> None:
    from tunewright import runners

    environment = {**os.environ, "PYTHONPATH": str(Path(runners.__file__).parents[2])}
    command = [train_python, "-P", "-c", NAIVE, str(tiny_folder)]
    shared, alone = json.loads(subprocess.run(command, env=environment, capture_output=True, check=True).stdout)
    assert shared == pytest.approx(alone, abs=1e-4)


def test_multiple_choice_reports_both_readings(bench: Any, tiny_folder: Path, tmp_path: Path) -> None:
    rows = [{"id": n, "question": f"ticket {n}?", "choices": ["billing", "network"], "answer": n % 2} for n in range(6)]
    suite = write_rows(tmp_path / "suite.jsonl", rows)
    parameters = {**PARAMETERS, "suites": {"exam": {"metric": "multiple_choice"}}}
    bundle = bench.bundle("choice", "evaluate.suites", {"model": tiny_folder, "suite.exam": suite}, parameters)
    assert bench.run("evaluate_suites", bundle).code == 0
    measured = json.loads((bundle / "outputs/metrics.json").read_text())["exam"]
    assert measured["rows"] == 6
    samples = [json.loads(line) for line in (bundle / "outputs/samples.jsonl").read_text().splitlines()]
    right = sum(sample["reply"] == sample["expected"] for sample in samples)
    assert measured["accuracy"] == pytest.approx(right / 6, abs=1e-6)
    assert 0 <= measured["accuracy_normalized"] <= 1


def test_a_cancelled_evaluation_stops_between_batches(
    bench: Any, tiny_folder: Path, tmp_path: Path, wait_for: Callable[..., Any], read_events: Callable[..., Any]
) -> None:
    suite = write_rows(tmp_path / "suite.jsonl", questions(2000))
    parameters = {**PARAMETERS, "suites": {"exam": {"metric": "exact"}}, "batch_size": 1}
    bundle = bench.bundle("cancel", "evaluate.suites", {"model": tiny_folder, "suite.exam": suite}, parameters)
    process = bench.start("evaluate_suites", bundle)
    wait_for(lambda: any(event["kind"] == "progress" for event in read_events(bundle)))
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=120)
    assert process.returncode == 130
    assert not (bundle / "outputs/metrics.json").exists()
