"""fetch.model on folders: what a model needs is there, nothing else comes along, mistakes are named."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tunewright.runners import contract

pytestmark = pytest.mark.train


def test_a_folder_is_taken_over_checked_and_asked(bench: Any, tiny_folder: Path, tmp_path: Path) -> None:
    source = tmp_path / "model"
    shutil.copytree(tiny_folder, source)
    (source / "modeling.py").write_text("raise SystemExit('never executed')")
    bundle = bench.bundle("folder", "fetch.model", {"weights": source}, {})
    finished = bench.run("fetch_model", bundle)
    assert finished.code == 0, finished.stderr
    outputs = bundle / contract.OUTPUTS
    assert not (outputs / "modeling.py").exists()
    assert (outputs / "model.safetensors").read_bytes() == (tiny_folder / "model.safetensors").read_bytes()
    assert finished.of("summary")[0]["values"]["chat_template"] == "yes"
    assert {event["code"] for event in finished.of("warning")} == {"model-code-left-out"}
    assert finished.of("artifact")[0]["role"] == "model"
    assert finished.of("sample")


@pytest.mark.parametrize(
    ("missing", "says"),
    [("model.safetensors", "safetensors"), ("config.json", "config.json")],
    ids=["weights", "config"],
)
def test_an_incomplete_folder_is_refused(
    bench: Any, tiny_folder: Path, tmp_path: Path, missing: str, says: str
) -> None:
    source = tmp_path / "model"
    shutil.copytree(tiny_folder, source)
    (source / missing).unlink()
    finished = bench.run("fetch_model", bench.bundle(f"without-{missing}", "fetch.model", {"weights": source}, {}))
    assert finished.code == contract.ExitCode.FAILED
    assert finished.failure["reason"] == "MODEL_INCOMPLETE"
    assert says in finished.failure["message"]


def test_what_is_no_gguf_is_refused_at_once(bench: Any, tmp_path: Path) -> None:
    fake = tmp_path / "model.gguf"
    fake.write_text("not a model")
    finished = bench.run("fetch_model", bench.bundle("fake", "fetch.model", {"weights": fake}, {}))
    assert finished.failure["reason"] == "MODEL_UNREADABLE"
    assert "Traceback" not in finished.stderr


def test_a_hub_without_a_network_is_unavailable(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    bundle = bench.bundle("offline", "fetch.model", {}, {"source": "hf://nobody/nothing@main"})
    finished = bench.run("fetch_model", bundle)
    assert finished.code == contract.ExitCode.UNAVAILABLE
    assert finished.failure["reason"] == "HUB_UNREACHABLE"
    assert "gguf" in finished.failure["help"]


def test_a_gguf_file_becomes_a_repaired_folder_and_is_converted_once(
    bench: Any, tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tiny model written as GGUF by hand: EOS as its publisher got it wrong, so that the repair shows."""
    import subprocess

    monkeypatch.setenv("TUNEWRIGHT_CACHE", str(tmp_path / "cache"))
    file = tmp_path / "tiny.gguf"
    script = Path(__file__).parent / "tiny_gguf.py"
    subprocess.run([bench.python, "-P", str(script), str(tiny_folder), str(file)], check=True, capture_output=True)
    first = bench.bundle("gguf", "fetch.model", {"weights": file}, {})
    finished = bench.run("fetch_model", first)
    assert finished.code == 0, finished.stderr
    settings = json.loads((first / contract.OUTPUTS / "tokenizer_config.json").read_text())
    assert settings["eos_token"] == "<|im_end|>"
    assert settings["pad_token"] == "<|endoftext|>"
    assert settings["model_max_length"] == 256
    assert not (first / contract.OUTPUTS / "tokenizer.model").exists()
    assert str(tmp_path) not in (first / contract.OUTPUTS / "config.json").read_text()
    second = bench.bundle("gguf-again", "fetch.model", {"weights": file}, {})
    again = bench.run("fetch_model", second)
    assert [event["name"] for event in again.of("phase")] == ["taken from the cache", "done"]
    for path in (first / contract.OUTPUTS).iterdir():
        assert (second / contract.OUTPUTS / path.name).read_bytes() == path.read_bytes()
