"""What users get wrong, and what they get to read: all of it in one run, each with its line, never an exception."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tunewright.compiler.front import Compilation, SpecFileError, compile_file
from tunewright.compiler.render.concise import render_concise
from tunewright.spec.codes import Severity

Compile = Callable[..., Compilation]

HEAD = """\
api_version: tunewright/v1
name: sample
base: {model: hf://Qwen/Qwen2.5-0.5B-Instruct@7ae557604adf67be50417f59c2c2f167def9a775}
data:
  rows: {source: "file:rows.jsonl"}
"""


def found(compilation: Compilation) -> list[tuple[int, str]]:
    return [(item.primary.span.begin.line, item.code) for item in compilation.diagnostics]


def test_thirty_mistakes_are_thirty_findings(compile_spec: Compile) -> None:
    spec = """\
api_version: tunewright/v1
name: Sample
seed: 1
base: {model: "hf://Qwen/Qwen2.5-0.5B-Instruct@7ae557604adf67be50417f59c2c2f167def9a775", trust_remote_code: yes}
data:
  rows: {source: "file:rows.jsonl", format: message}
  gone: {source: "file:gone.jsonl"}
  bare: {source: bare.jsonl}
  pairs: {source: "file:pairs.jsonl", weigth: 2.0}
suites:
  quiz: {file: quiz.jsonl, metric: exakt}
  none: {limit: 5}
steps:
  sft:
    train:
      method: sft
      data: [rows, gone, bare]
      learning_rate: fast
      warmup_ratio: 2.0
      num_train_epochs: 0
      lr_scheduler_type: cosinus
      lora_rank: 8
      max_length: 1000000
      beta: 0.1
      packing: no
    timeout: 90
    labels: [a]
  align:
    train:
      method: dpo
      from: stf
      data: pair
      per_device_train_batch_size: 0
      tuner: {type: lora, rank: 2000, target_modules: [q_project]}
  exam:
    evaluate: {model: align, suites: [quiz, quizz], temperature: 3}
  good:
    gate: {require: ["exam.quiz.exact >> 1", "exan.quiz.exact > 0.5"]}
  idle: {retries: 2}
allow:
  - {code: TW2010, reason: it comes later}
resources: {accelerator: a100}
"""
    compilation = compile_spec(spec)
    findings = compilation.diagnostics
    lines = [item.primary.span.begin.line for item in findings]
    assert lines == sorted(lines)
    assert len(findings) == 30, render_concise(findings)
    assert all(item.severity is Severity.ERROR for item in findings), render_concise(findings)
    wrong = {2, 4, 6, 7, 8, 9, 11, 12, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 31, 32, 33, 34, 36, 38, 39, 41, 42}
    assert set(lines) == wrong, render_concise(findings)


def test_ten_megabytes_are_refused_unread(tmp_path: Path) -> None:
    spec = tmp_path / "life.yaml"
    spec.write_text(HEAD + "description: " + "x" * 10_000_000 + "\n}: not YAML")
    compilation = compile_file(spec)
    assert found(compilation) == [(1, "TW0003")]


def test_many_small_values_are_not_read_to_their_end(compile_spec: Compile) -> None:
    compilation = compile_spec(HEAD + "profiles: {p: {description: [" + "1," * 400_000 + "1]}}\n}: not YAML")
    assert [code for _, code in found(compilation)] == ["TW0003"]


def test_alias_bomb_is_refused_unexploded(compile_spec: Compile) -> None:
    # Written out it would be 9^29 items: whoever tries does not come back.
    levels = [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 30)]
    compilation = compile_spec("api_version: tunewright/v1\na0: &a0 [x]\n" + "".join(levels))
    assert [code for _, code in found(compilation)] == ["TW0004"]


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ("{a: ", "}")])
def test_deep_nesting_is_refused(opening: str, closing: str, compile_spec: Compile) -> None:
    compilation = compile_spec("api_version: " + opening * 50_000 + closing * 50_000)
    assert [code for _, code in found(compilation)] == ["TW0005"]


def test_duplicate_key_shows_both_places(compile_spec: Compile) -> None:
    (finding,) = compile_spec(HEAD + "steps: {sft: {train: {method: sft, data: rows}}}\nname: other\n").diagnostics
    assert finding.code == "TW0002"
    assert finding.primary.span.begin.line == 7
    assert [label.span.begin.line for label in finding.labels] == [2]


@pytest.mark.parametrize(
    ("written", "value"),
    [("1e-4", 1e-4), ("2E-5", 2e-5), ("1.0e-4", 1e-4), (".0001", 1e-4), ("1", 1.0), ("5.", 5.0)],
)
def test_number_is_a_number(written: str, value: float, compile_spec: Compile) -> None:
    compilation = compile_spec(HEAD + f"steps: {{sft: {{train: {{method: sft, data: rows, beta: {written}}}}}}}\n")
    assert [code for _, code in found(compilation)] == ["TW3022"]
    assert compilation.spec is not None
    assert compilation.spec.steps["sft"].train is not None
    assert compilation.spec.steps["sft"].train.beta == value


@pytest.mark.parametrize(
    ("key", "written"),
    [
        ("token", "hf_abcdefghijklmnopqrstuvwxyz"),
        ("token", "anything"),
        ("model", "https://user:password@example.org/model"),
    ],
)
def test_literal_secret(key: str, written: str, compile_overlay: Compile) -> None:
    compilation = compile_overlay(f'base: {{{key}: "{written}"}}')
    assert "TW1016" in {code for _, code in found(compilation)}
    assert compilation.plan is None


def test_malformed_row_is_named_by_file_and_line(compile_overlay: Compile) -> None:
    (finding,) = compile_overlay('data: {rows: {source: "file:broken.jsonl"}}').diagnostics
    assert finding.code == "TW2011"
    assert [note.split(": ")[0] for note in finding.notes] == ["broken.jsonl:2", "broken.jsonl:4", "broken.jsonl:6"]


def test_folder_without_weights(compile_overlay: Compile) -> None:
    (finding,) = compile_overlay('base: {model: "dir:weightless-model"}').diagnostics
    assert finding.code == "TW2017"
    assert "has no weights" in finding.message


def test_folder_that_is_not_there(compile_overlay: Compile) -> None:
    (finding,) = compile_overlay('base: {model: "dir:nowhere"}').diagnostics
    assert (finding.code, finding.message) == ("TW2017", "dir:nowhere does not exist")


def test_target_module_names_come_from_the_weights(compile_overlay: Compile) -> None:
    tuner = "steps: {sft: {train: {tuner: {type: lora, rank: 4, target_modules: [c_attn]}}}}"
    findings = compile_overlay('{base: {model: "dir:chat-model"}, ' + tuner + "}").diagnostics
    (finding,) = [item for item in findings if item.code == "TW3001"]
    assert finding.help is not None
    assert "q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj" in finding.help


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: None, "there is no file"),
        (lambda path: path.mkdir(), "is a folder"),
    ],
)
def test_spec_that_can_not_be_read(make: Callable[[Path], None], words: str, tmp_path: Path) -> None:
    make(tmp_path / "life.yaml")
    with pytest.raises(SpecFileError, match=words):
        compile_file(tmp_path / "life.yaml")


def test_byte_order_mark_and_windows_line_ends(tmp_path: Path, world: Path, sample: str) -> None:
    spec = tmp_path / "life.yaml"
    spec.write_bytes(b"\xef\xbb\xbf" + sample.replace("name: sample", "nmae: sample").replace("\n", "\r\n").encode())
    (finding, *_) = compile_file(spec).diagnostics
    assert (finding.code, finding.primary.span.text) == ("TW1003", "nmae")
    assert (finding.primary.span.begin.line, finding.primary.span.begin.column) == (2, 1)


def test_file_name_that_no_file_system_takes(compile_overlay: Compile) -> None:
    (finding,) = compile_overlay(f'data: {{rows: {{source: "file:{"x" * 500}.jsonl"}}}}').diagnostics
    assert finding.code == "TW2010"
    assert "File name too long" in finding.message


def test_more_steps_than_anybody_can_read_are_refused_before_they_are_looked_at(compile_spec: Compile) -> None:
    steps = "".join(f"  s{number}: {{gate: {{require: [x]}}}}\n" for number in range(5_000))
    (finding,) = compile_spec(HEAD + "steps:\n" + steps).diagnostics
    assert (finding.code, finding.message) == ("TW0003", "the spec has 5,000 steps; at most 1,000 are planned")
    assert finding.primary.span.begin.line == 6
