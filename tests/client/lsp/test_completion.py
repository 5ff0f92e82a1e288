"""What is offered at the cursor, in whole specs and in broken ones."""

import pytest
from editing.marked import CURSOR, HEAD, SAMPLE, Desk, applied
from lsprotocol.types import MarkupContent

from tunewright.client.lsp.completion import completion
from tunewright.spec.methods import METHODS


def offered(desk: Desk, marked: str) -> list[str]:
    snapshot, place = desk.snapshot(marked, compile_it=True)
    return [item.label for item in completion(snapshot, place).items]


@pytest.mark.parametrize(
    ("marked", "some", "none"),
    [
        (HEAD + "ste¦", ["steps", "triggers"], ["base", "method"]),
        (HEAD + "steps:\n  sft:\n    ¦", ["train", "evaluate", "timeout"], ["steps"]),
        (
            HEAD + "steps:\n  sft:\n    train:\n      method: sft\n      lear¦",
            ["learning_rate", "loss_on"],
            ["method", "beta"],
        ),
        (HEAD + "steps:\n  a:\n    train: {method: dpo, ¦}\n", ["beta", "loss_type"], ["method", "loss_on"]),
        (HEAD + "steps:\n  a:\n    train: {method: sfd, ¦}\n", ["beta", "loss_on"], ["method"]),
        (HEAD + "steps:\n  a:\n    train: {method: sft, tuner: {type: full, ¦}}\n", [], ["type", "rank"]),
        (HEAD + "steps:\n  sft:\n    train: {method: sft, ¦", ["learning_rate", "data"], ["steps"]),
        (HEAD + "steps:\n  sft:\n    train: {method: sft, tuner: {ra¦}}\n", ["rank", "type"], ["method"]),
        (HEAD + "steps:\n  sft:\n    train: {method: ¦", list(METHODS), []),
        (HEAD + "steps:\n  sft:\n    train: {method: sft, packing: ¦", ["true", "false"], []),
        (HEAD + "steps:\n  sft:\n    train: {method: sft, parallelism: ¦", ["auto", "zero3"], []),
        (HEAD + "steps:\n  sft:\n    train: {method: sft, data: ¦", ["rows"], ["quiz"]),
        (HEAD + "steps:\n  sft:\n    train: {method: sft, data: [rows, ¦", ["rows"], ["quiz"]),
        (HEAD + "steps:\n  exam:\n    evaluate:\n      suites:\n      - ¦", ["quiz", "mmlu"], ["rows"]),
        (SAMPLE + "  dpo:\n    train: {method: dpo, from: ¦", ["sft", "base"], ["exam", "dpo"]),
        (SAMPLE + "  pack:\n    export:\n      model: ¦\n", ["sft", "base"], ["exam", "pack"]),
        (SAMPLE + "  g2:\n    gate: {require: ¦", ["exam.", "mean("], ["sft."]),
        (SAMPLE + "  g2:\n    gate: {require: 'exam.¦", ["exam.quiz."], ["exam."]),
        (SAMPLE + '  g2:\n    gate: {require: ["0.1 < exam.quiz.¦', ["exam.quiz.exact", "exam.quiz.exact_stderr"], []),
        (
            SAMPLE + "  two:\n    train: {method: sft, tuner: {type: lora, target_modules: [¦",
            ["all-linear"],
            [],
        ),
        ("base:\n  model: ¦", ["hf://", "gguf:", "hf://Qwen/Qwen2.5-7B-Instruct"], []),
        ("resources: {accelerator: ¦", ["a100-80gb", "cpu"], []),
        (HEAD + "profiles:\n  prod:\n    ¦", ["steps", "resources"], ["train"]),
        (HEAD + "profiles:\n  prod:\n    steps:\n      sft:\n        train: {me¦", ["method"], []),
        (SAMPLE + "allow:\n- ¦", ["code", "reason"], []),
        (SAMPLE + "allow:\n- code: ¦", ["TW2015"], ["TW1003"]),
        ("¦", ["api_version", "steps"], []),
        ("\ufeffapi_version: tunewright/v1\r\n🦜: 1\r\nste¦", ["steps"], []),
    ],
)
def test_offers_what_may_stand_here(desk: Desk, marked: str, some: list[str], none: list[str]) -> None:
    labels = offered(desk, marked)

    assert set(some) <= set(labels), labels
    assert not set(none) & set(labels)


@pytest.mark.parametrize(
    "marked", ["name: x # ste¦", "# ¦", "description: |\n  me¦", SAMPLE + "  x: {train: {name: '¦'}}"]
)
def test_offers_nothing_in_comments_and_free_text(desk: Desk, marked: str) -> None:
    assert offered(desk, marked) == []


@pytest.mark.parametrize(
    ("marked", "label", "after"),
    [
        ("na¦", "name", "name: "),
        ("ste¦: {}", "steps", "steps: {}"),
        ("ste¦", "steps", "steps:"),
        ("base:¦", "model", "base:"),
        ("resources: {accelerator: a1¦}", "a100-80gb", "resources: {accelerator: a100-80gb}"),
        ("base: {model: 'hf://Qw¦'}", "hf://Qwen/Qwen3-8B", "base: {model: 'hf://Qwen/Qwen3-8B'}"),
        ("🦜: {}\nresources: {count: 1, acc¦", "accelerator", "🦜: {}\nresources: {count: 1, accelerator: "),
    ],
)
def test_puts_the_word_in_place_of_what_is_written(desk: Desk, marked: str, label: str, after: str) -> None:
    snapshot, place = desk.snapshot(marked)
    edits = [item.text_edit for item in completion(snapshot, place).items if item.label == label]

    assert applied(snapshot, edits) == after  # type: ignore[arg-type]


def test_names_stay_known_while_the_text_is_broken_above(desk: Desk) -> None:
    broken = SAMPLE.replace("  exam:\n", "  exam\n") + "  dpo:\n    train: {method: dpo, from: ¦"

    assert "sft" in offered(desk, broken)


def test_layers_of_the_model_stay_known_while_the_spec_is_not_yaml(desk: Desk) -> None:
    whole, _ = desk.snapshot(SAMPLE, compile_it=True)
    marked = SAMPLE + "  two:\n    train: {method: sft, tuner: {target_modules: [¦\n{{{"
    text = marked.replace(CURSOR, "")
    later = whole.with_text(text, 2)
    place = later.lines.position(marked.index(CURSOR))

    assert "q_proj" in [item.label for item in completion(later, place).items]


def test_keys_say_what_they_are_for(desk: Desk) -> None:
    snapshot, place = desk.snapshot(HEAD + "steps:\n  sft:\n    train: {¦")
    silent = [item.label for item in completion(snapshot, place).items if item.documentation is None]

    assert silent == []


def test_words_say_what_they_mean(desk: Desk) -> None:
    snapshot, place = desk.snapshot(HEAD + "steps:\n  sft:\n    train: {method: ¦")
    items = {item.label: item.documentation for item in completion(snapshot, place).items}
    assert isinstance(items["dpo"], MarkupContent)
    assert isinstance(items["sft"], MarkupContent)
    assert items["sft"].value == "Supervised: learn to give the replies of the rows."
    assert items["dpo"].value != items["sft"].value
