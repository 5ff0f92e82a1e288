"""export.model on the tiny model: merging is proved, four bits are measured, what can't be right is refused."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.train

NF4 = {"method": "bnb", "bits": 4, "double_quant": True, "quant_type": "nf4"}
PARAMETERS: dict[str, Any] = {
    "merge": True,
    "quantize": None,
    "max_shard_size_bytes": 1_000_000_000,
    "measure": {"limit": 6, "max_length": 128},
    "precision": "fp32",
    "device": "cpu",
    "threads": 1,
    "limits": {"perplexity_increase": None},
}


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "rows.jsonl"
    texts = [f"route ticket number {n}" for n in range(8)]
    path.write_text(
        "".join(json.dumps({"prompt": text, "completion": f"team billing, {text}"}) + "\n" for text in texts)
    )
    return path


@pytest.fixture(scope="module")
def quantized(bench: Any, tiny_folder: Path, make_adapter: Any, rows: Path) -> Path:
    """The bundle of a merged and quantised export."""
    inputs = {"model": tiny_folder, "adapter": make_adapter("q_proj", "down_proj"), "calibration": rows}
    bundle: Path = bench.bundle("nf4", "export.model", inputs, {**PARAMETERS, "quantize": NF4, "precision": "bf16"})
    ended = bench.run("export_model", bundle)
    assert ended.code == 0, ended.stderr
    return bundle


def test_a_merged_model_is_the_base_with_its_adapter(
    bench: Any, tiny_folder: Path, make_adapter: Any, rows: Path
) -> None:
    inputs = {"model": tiny_folder, "adapter": make_adapter("q_proj", "v_proj", "up_proj"), "calibration": rows}
    bundle = bench.bundle("merged", "export.model", inputs, {**PARAMETERS, "max_shard_size_bytes": 300_000})
    ended = bench.run("export_model", bundle)
    assert ended.code == 0, ended.stderr
    record = json.loads((bundle / "outputs/export.json").read_text())
    assert 0 <= record["max_logit_difference"] < 1e-3
    assert record["perplexity"] == pytest.approx(record["perplexity_before"], rel=1e-6)
    assert record["top1_agreement"] == 1.0
    assert record["size_bytes"] == pytest.approx(record["size_before_bytes"], rel=0.02)
    names = {path.name for path in (bundle / "outputs").iterdir()}
    assert {"config.json", "tokenizer.json", "chat_template.jinja", "model.safetensors.index.json"} <= names
    assert sum(name.endswith(".safetensors") for name in names) > 1, "weights are cut into shards"
    assert ended.of("summary")[0]["values"]["max_logit_difference"] == record["max_logit_difference"]


def test_four_bits_are_smaller_and_what_they_cost_is_measured(quantized: Path, read_events: Any) -> None:
    record = json.loads((quantized / "outputs/export.json").read_text())
    settings = json.loads((quantized / "outputs/config.json").read_text())["quantization_config"]
    assert (settings["quant_method"], settings["bnb_4bit_quant_type"]) == ("bitsandbytes", "nf4")
    assert record["size_bytes"] < record["size_before_bytes"] / 2
    assert record["perplexity"] != record["perplexity_before"]
    assert 0 < record["top1_agreement"] <= 1
    measured = {event["metric"]: event["value"] for event in read_events(quantized) if event["kind"] == "evaluation"}
    assert measured["perplexity_increase"] == record["perplexity_increase"]


def test_packed_weights_are_exported_as_they_are(
    bench: Any, train_python: str, tiny_folder: Path, tmp_path: Path, rows: Path
) -> None:
    writer = str(Path(__file__).with_name("packed_weights.py"))
    command = [train_python, "-P", writer, str(tiny_folder), str(tmp_path), "gptq-4"]
    subprocess.run(command, check=True, capture_output=True)
    packed = tmp_path / "gptq-4"
    bundle = bench.bundle(
        "packed", "export.model", {"model": packed, "calibration": rows}, {**PARAMETERS, "merge": False}
    )
    ended = bench.run("export_model", bundle)
    assert ended.code == 0, ended.stderr
    record = json.loads((bundle / "outputs/export.json").read_text())
    assert record["perplexity"] == record["perplexity_before"]
    settings = [json.loads((folder / "config.json").read_text()) for folder in (packed, bundle / "outputs")]
    assert settings[0]["quantization_config"] == settings[1]["quantization_config"]


def test_an_exported_model_is_never_quantised_again(bench: Any, quantized: Path) -> None:
    bundle = bench.bundle("again", "export.model", {"model": quantized / "outputs"}, {**PARAMETERS, "quantize": NF4})
    ended = bench.run("export_model", bundle)
    assert (ended.code, ended.failure["reason"]) == (78, "ALREADY_QUANTIZED")


def test_a_merge_that_changes_the_model_fails(bench: Any, tiny_folder: Path, make_adapter: Any, rows: Path) -> None:
    # lm_head shares its matrix with the embeddings: merging into one changes the other.
    inputs = {"model": tiny_folder, "adapter": make_adapter("lm_head"), "calibration": rows}
    bundle = bench.bundle("tied", "export.model", inputs, PARAMETERS)
    ended = bench.run("export_model", bundle)
    assert (ended.code, ended.failure["reason"]) == (1, "MERGE_MISMATCH")
    assert not list((bundle / "outputs").iterdir())


def test_quality_beyond_the_limit_fails_with_the_numbers(bench: Any, tiny_folder: Path, rows: Path) -> None:
    # A limit below zero asks for an improvement that rounding to four bits can't bring.
    parameters = {**PARAMETERS, "quantize": NF4, "limits": {"perplexity_increase": -0.9}}
    bundle = bench.bundle("lost", "export.model", {"model": tiny_folder, "calibration": rows}, parameters)
    ended = bench.run("export_model", bundle)
    assert (ended.code, ended.failure["reason"]) == (1, "QUALITY_LOST")
    assert "the limit is -90.0%" in ended.failure["message"]


@pytest.mark.parametrize(
    ("changed", "code", "reason"),
    [
        ({"quantize": {**NF4, "method": "gptq"}}, 78, "IMPOSSIBLE"),
        ({"limits": {"perplexity_increase": 0.1}}, 78, "IMPOSSIBLE"),
    ],
)
def test_the_impossible_is_refused_at_once(
    bench: Any, tiny_folder: Path, tmp_path: Path, changed: dict[str, Any], code: int, reason: str
) -> None:
    bundle = bench.bundle(tmp_path.name, "export.model", {"model": tiny_folder}, {**PARAMETERS, **changed})
    ended = bench.run("export_model", bundle)
    assert (ended.code, ended.failure["reason"]) == (code, reason)
    assert not ended.of("phase")


def test_a_folder_without_all_its_weights_is_not_exported(bench: Any, tiny_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes((tiny_folder / "config.json").read_bytes())
    bundle = bench.bundle("hollow", "export.model", {"model": tmp_path}, PARAMETERS)
    ended = bench.run("export_model", bundle)
    assert (ended.code, ended.failure["reason"]) == (1, "MODEL_NOT_LOADABLE")
