"""The JSON Schema agrees with the language and says something about every key."""

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tunewright.spec.binding import bind
from tunewright.spec.diagnostics import DiagnosticSink
from tunewright.spec.document import Document
from tunewright.spec.jsonschema import schema, schema_text
from tunewright.spec.shaping import words_without_meaning
from tunewright.spec.source import SourceFile
from tunewright.spec.syntax import parse, plain_value

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden" / "schema.json"
HEAD = "api_version: tunewright/v1\nname: x\nbase: {model: dir:m}\ndata: {rows: {source: 'file:a.jsonl'}}\n"
VALIDATOR = jsonschema.Draft7Validator(schema())


def written(text: str) -> tuple[Any, bool]:
    """Return the plain value of a spec's text, and whether the language takes it."""
    sink = DiagnosticSink()
    source = SourceFile("life.yaml", text)
    root = parse(source, sink)
    assert root is not None
    bind(Document(source, root), sink)
    return json.loads(json.dumps(plain_value(root))), not sink.has_errors


def test_it_is_as_kept_and_a_sound_schema() -> None:
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text(schema_text(), encoding="utf-8")
    assert schema_text() == GOLDEN.read_text(encoding="utf-8")
    jsonschema.Draft7Validator.check_schema(schema())


def test_every_key_says_what_it_is_for() -> None:
    sections = {"Spec": schema(), **schema()["definitions"]}
    silent = [
        f"{name}.{key}"
        for name, body in sections.items()
        for key, prop in body.get("properties", {}).items()
        if "description" not in prop
    ]
    assert silent == []


@pytest.mark.parametrize(
    "steps",
    [
        "sft: {train: {method: sft, data: rows}}",
        "sft: {train: {method: sft, data: [rows], tuner: lora, parallelism: auto}}",
        "sft: {train: {method: sft, data: rows, tuner: {type: qlora, target_modules: all-linear}, parallelism: ddp}}",
        "sft: {train: {method: sft, data: rows, parallelism: {strategy: zero2, processes: 2}, learning_rate: 1}}",
        "sft: {train: {method: dpo, from: other, data: rows}, timeout: 10m}",
        "sft: {train: {method: sfd, data: rows}}",
        "sft: {train: {method: sft, data: rows, tuner: lorra}}",
        "sft: {train: {method: sft, data: rows, learning_rate: fast}}",
        "sft: {train: {method: sft, data: []}}",
        "sft: {train: {method: sft, data: rows, betta: 0.1}}",
        "sft: {train: {method: sft, data: rows, tuner: {rank: 8}}}",
        "exam: {evaluate: {model: sft, suites: [a, b], temperature: 3}}",
        "better: {gate: {require: [a, b], on_fail: stop}}",
    ],
)
def test_editor_and_compiler_agree(steps: str) -> None:
    value, taken = written(f"{HEAD}steps:\n  {steps}\n")
    assert VALIDATOR.is_valid(value) == taken, [error.message for error in VALIDATOR.iter_errors(value)]


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*/life.yaml")), ids=lambda path: path.parent.name)
def test_examples_are_valid(path: Path) -> None:
    value, taken = written(path.read_text(encoding="utf-8"))
    assert taken
    assert [error.message for error in VALIDATOR.iter_errors(value)] == []


def test_it_is_free_of_noise() -> None:
    text = json.dumps({key: value for key, value in schema().items() if key != "title"})
    assert '"title"' not in text
    assert '{"type": "null"}' not in text.replace('"if": {"type": "null"}', "")
    assert "$defs" not in text


def refusals(errors: Iterable[jsonschema.ValidationError]) -> Iterator[str]:
    """Yield the texts that an editor shows for errors, inside alternatives too."""
    for error in errors:
        yield error.schema.get("errorMessage", "")
        yield from refusals(error.context)


def test_every_choice_is_explained() -> None:
    sections = {"Spec": schema(), **schema()["definitions"]}
    assert list(words_without_meaning(sections)) == []


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ("sft: {train: {method: sft, data: rows, lora_rank: 8}}", "`lora_rank` is called `tuner.rank` here"),
        ("sft: {train: {method: sft, data: rows, beta: 0.1}}", "`beta` means nothing to this method"),
        ("sft: {train: {method: sft, data: rows, tuner: {type: full, rank: 8}}}", "`rank` means nothing to this type"),
        ("sft: {timeout: 10m}", "a step needs one of"),
        ("sft: {train: {method: sft, data: rows}, approve: {role: risk}}", "make `approve` a step of its own"),
        ("sft: {approve: {role: risk, expires: 10}}", "a duration needs a unit"),
    ],
)
def test_a_refusal_says_why(steps: str, message: str) -> None:
    value, _ = written(f"{HEAD}steps:\n  {steps}\n")
    assert any(message in text for text in refusals(VALIDATOR.iter_errors(value)))


@pytest.mark.parametrize(
    "train",
    [
        "method: sft, data: rows, learning_rate: '${env:RATE}'",
        "method: '${env:METHOD}', data: '${env:SET}', tuner: '${env:TUNER}', packing: '${env:PACK}'",
        "method: sft, data: rows, tuner: {type: '${env:TUNER}', rank: '${env:RANK}'}",
    ],
)
def test_variables_stand_for_values(train: str) -> None:
    value, _ = written(f"{HEAD}steps:\n  sft: {{train: {{{train}}}}}\n")
    assert [error.message for error in VALIDATOR.iter_errors(value)] == []
