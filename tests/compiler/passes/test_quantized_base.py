"""What the plan says of a base that is quantised already."""

import pytest
from tiny_folder import write_model

SPEC = """
api_version: tunewright/v1
name: packed
base: {{model: "dir:{folder}"}}
data: {{rows: {{source: "file:rows.jsonl"}}}}
suites: {{quiz: {{file: quiz.jsonl, metric: exact}}}}
steps:
  sft: {{train: {{method: sft, data: rows, tuner: lora}}}}
  exam: {{evaluate: {{model: sft, suites: quiz}}}}
  serve: {{deploy: {{model: sft, engine: embedded, port: 8123}}}}
"""


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"quant_method": "gptq", "bits": 4}, None),
        ({"quant_method": "gptq", "bits": 4, "checkpoint_format": "marlin"}, "gptq weights in the form `marlin`"),
        ({"quant_method": "hqq", "bits": 4}, "weights quantised with hqq need the package hqq"),
    ],
)
def test_steps_run_where_its_weights_can_be_read(compile_spec, tmp_path, settings, problem) -> None:
    write_model(tmp_path / "packed", template=True, configuration={"quantization_config": settings})
    compilation = compile_spec(SPEC.format(folder=tmp_path / "packed"))
    reasons = [step.not_executable for step in compilation.plan.steps if step.kind in _LOADING]
    assert len(reasons) == len(_LOADING)
    assert all((problem in reason if reason else False) if problem else reason is None for reason in reasons), reasons


_LOADING = ("train.trl", "evaluate.suites", "serve.embedded")


def test_packed_experts_are_not_executable(compile_spec, tmp_path) -> None:
    settings = {"num_experts": 4, "quantization_config": {"quant_method": "gptq", "bits": 4}}
    write_model(tmp_path / "packed", template=True, configuration=settings)
    compilation = compile_spec(SPEC.format(folder=tmp_path / "packed"))
    (step,) = [step for step in compilation.plan.steps if step.kind == "train.trl"]
    assert "experts" in (step.not_executable or "")
