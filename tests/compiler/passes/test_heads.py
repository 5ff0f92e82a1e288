"""Classifiers and embeddings in plans: labels from the rows, the head counted, exams of their own kind."""

from collections.abc import Callable
from typing import Any

from tunewright.compiler.front import Compilation

Compile = Callable[..., Compilation]

DESKS = 'data: {desks: {source: "file:classes.jsonl"}}'
TWINS = 'data: {twins: {source: "file:twins.jsonl"}}'


def compiled(compile_overlay: Compile, text: str) -> Any:
    compilation = compile_overlay(text)
    assert compilation.plan is not None, [item.message for item in compilation.diagnostics]
    return compilation.plan


def test_labels_follow_from_the_rows_and_stand_in_the_plan(compile_overlay: Compile) -> None:
    plan = compiled(compile_overlay, f"{{{DESKS}, steps: {{sort: {{train: {{method: classify, data: desks}}}}}}}}")
    step = plan.step("sort")
    assert step.parameters["options"]["labels"] == ["billing", "shipping"]
    assert step.provenance["labels"] == "derived: the rows hold 2"
    assert step.identity["steps.sort.train.labels"] == ["billing", "shipping"]
    assert "classifier" in step.summary


def test_the_head_learns_beside_an_adapter_and_is_counted(compile_overlay: Compile) -> None:
    two, three, words = (
        compiled(compile_overlay, f"{{{DESKS}, steps: {{sort: {{train: {{{keys}}}}}}}}}").step("sort").estimate
        for keys in (
            "method: classify, data: desks",
            "method: classify, data: desks, labels: [billing, shipping, returns]",
            "method: sft, data: rows",
        )
    )
    assert two.trained_parameters == words.trained_parameters + 2 * 896
    assert three.trained_parameters == words.trained_parameters + 3 * 896


def test_the_rows_of_a_batch_are_what_a_pair_is_told_from(compile_overlay: Compile) -> None:
    plan = compiled(compile_overlay, f"{{{TWINS}, steps: {{near: {{train: {{method: embed, data: twins}}}}}}}}")
    parameters = plan.step("near").parameters
    assert (parameters["per_device_train_batch_size"], parameters["gradient_accumulation_steps"]) == (16, 1)
    assert parameters["options"] == {"pooling": "last_token", "temperature": 0.05}


def test_exams_are_of_the_kind_that_the_model_answers_to(compile_overlay: Compile) -> None:
    text = f"""
      {{{DESKS}, suites: {{desk: {{file: quiz.jsonl, metric: accuracy}}}}, steps: {{
        sort: {{train: {{method: classify, data: desks, max_length: 64}}}},
        which: {{evaluate: {{model: sort, suites: desk}}}},
        fine: {{gate: {{require: "which.desk.macro_f1 >= 0.5"}}}}}}}}
    """
    step = compiled(compile_overlay, text).step("which")
    assert step.kind == "evaluate.labels"
    assert step.inputs["adapter"].step == "sort"
    assert step.parameters["max_length"] == 64
    assert "max_new_tokens" not in step.parameters


def test_an_export_is_merged_and_can_be_examined(compile_overlay: Compile) -> None:
    text = f"""
      {{{TWINS}, suites: {{search: {{file: quiz.jsonl, metric: retrieval}}}}, steps: {{
        near: {{train: {{method: embed, data: twins, max_length: 64}}}},
        box: {{export: {{model: near}}}},
        found: {{evaluate: {{model: box, suites: search}}}}}}}}
    """
    plan = compiled(compile_overlay, text)
    box, found = plan.step("box"), plan.step("found")
    assert (box.kind, box.parameters["makes"], box.not_executable) == ("export.head", "vector", None)
    assert set(box.inputs) == {"model", "adapter"}, "no rows are needed"
    assert found.kind == "evaluate.vectors"
    assert (found.inputs["model"].step, found.parameters["max_length"]) == ("box", 64)


def test_tokens_made_ahead_know_the_labels(compile_overlay: Compile) -> None:
    machine = "resources: {accelerator: a100-80gb}"
    one, other = (
        compiled(
            compile_overlay,
            f"{{{DESKS}, {machine}, steps: {{sort: {{train: {{method: classify, data: desks, labels: {labels}}}}}}}}}",
        ).step("tokens-sort")
        for labels in ("[billing, shipping]", "[shipping, billing]")
    )
    assert one.digest != other.digest
