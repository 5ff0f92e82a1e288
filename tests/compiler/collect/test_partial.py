"""A hub's cache that holds only the small files of a model, and folders whose small files are broken or want code."""

import json
from pathlib import Path
from typing import Any

import pytest

from tunewright.compiler.collect.models import collect_model

COMMIT = "0123456789abcdef0123456789abcdef01234567"
CONFIG = {
    "model_type": "llama",
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 128,
    "vocab_size": 100,
    "max_position_embeddings": 512,
}
INDEX = {
    "metadata": {"total_size": 123456},
    "weight_map": {
        "model.embed_tokens.weight": "model-00001-of-00001.safetensors",
        "model.layers.0.input_layernorm.weight": "model-00001-of-00001.safetensors",
        "model.layers.0.self_attn.q_proj.weight": "model-00001-of-00001.safetensors",
        "model.layers.0.mlp.odd_proj.weight": "model-00001-of-00001.safetensors",
    },
}


def snapshot(cache: Path, files: dict[str, Any], *, linked: bool = True) -> Path:
    """Write a model as huggingface_hub keeps it: blobs, links to them in a snapshot, a ref."""
    root = cache / "models--org--name"
    folder = root / "snapshots" / COMMIT
    for place in (folder, root / "refs", root / "blobs"):
        place.mkdir(parents=True, exist_ok=True)
    (root / "refs" / "main").write_text(COMMIT)
    for number, (name, content) in enumerate(files.items()):
        blob = root / "blobs" / f"{number:040x}" if linked else folder / name
        blob.write_text(content if isinstance(content, str) else json.dumps(content))
        if linked:
            (folder / name).symlink_to(blob)
    return folder


@pytest.mark.parametrize("linked", [True, False])
@pytest.mark.parametrize("written", ["hf://org/name", f"hf://org/name@{COMMIT}", "hf://org/name@main"])
def test_small_files_alone_tell_shape_template_and_layers(
    written: str, linked: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    files = {
        "config.json": CONFIG,
        "model.safetensors.index.json": INDEX,
        "tokenizer_config.json": {"chat_template": "{{ messages }}"},
    }
    snapshot(tmp_path, files, linked=linked)
    facts = collect_model(written, tmp_path, cache=None)
    assert (facts.problem, facts.origin, facts.revision, facts.digest) == (None, "catalogue", COMMIT, None)
    assert (facts.hidden_size, facts.max_position_embeddings) == (64, 512)
    assert facts.linear_modules == ("q_proj", "odd_proj")
    assert facts.chat_template is True
    assert facts.weight_bytes == 123456


@pytest.mark.parametrize("index", ["{", "[]", {"weight_map": 3, "metadata": {"total_size": True}}, {"metadata": 1}])
def test_what_is_not_there_stays_unknown(index: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    snapshot(tmp_path, {"config.json": CONFIG, "model.safetensors.index.json": index})
    facts = collect_model("hf://org/name", tmp_path, cache=None)
    assert (facts.problem, facts.hidden_size) == (None, 64)
    assert (facts.chat_template, facts.weight_bytes, facts.num_parameters) == (None, None, None)
    assert "q_proj" in facts.linear_modules  # what the family is known to have


def test_broken_configuration_in_a_hub_cache_is_as_good_as_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    snapshot(tmp_path, {"config.json": "{"})
    facts = collect_model("hf://org/name", tmp_path, cache=None)
    assert (facts.problem, facts.origin, facts.hidden_size) == (None, "unknown", None)


@pytest.mark.parametrize(
    ("variable", "below"),
    [
        ("HF_HUB_CACHE", ""),
        ("HUGGINGFACE_HUB_CACHE", ""),
        ("HF_HOME", "hub"),
        ("XDG_CACHE_HOME", "huggingface/hub"),
    ],
)
def test_cache_is_found_where_the_hub_library_puts_it(
    variable: str, below: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, str(tmp_path))
    snapshot(tmp_path / below, {"config.json": CONFIG})
    assert collect_model("hf://org/name", tmp_path, cache=None).hidden_size == 64


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (b'{\n  "hidden_size": 64,\n  "vocab_size" 100\n}', "(line 3, column 16: Expecting ':' delimiter)"),
        (b'{"hidden_size": 64', "(line 1, column 19: "),
        (b'{"model_type": "caf\xe9"}', "(byte 19 is no UTF-8)"),
        (b"", "(line 1, column 1: "),
    ],
)
def test_malformed_configuration_is_named_with_its_place(content: bytes, place: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes(content)
    facts = collect_model(f"dir:{tmp_path}", tmp_path, cache=None)
    assert facts.problem is not None
    assert "has a `config.json` that is not JSON" in facts.problem
    assert place in facts.problem


def test_byte_order_mark_does_no_harm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    snapshot(tmp_path, {"config.json": "\ufeff" + json.dumps(CONFIG)})
    assert collect_model("hf://org/name", tmp_path, cache=None).hidden_size == 64


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        ({"auto_map": {"AutoTokenizer": ["tokenization_own.Own", None]}}, True),
        ({"auto_map": {"AutoModel": "modeling_own.Own"}}, False),
        ({"auto_map": None}, False),
        ({"auto_map": 3}, False),
        ([], False),
    ],
)
def test_tokenizer_that_is_code(settings: Any, wanted: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    snapshot(tmp_path, {"config.json": CONFIG, "tokenizer_config.json": settings})
    assert collect_model("hf://org/name", tmp_path, cache=None).remote_code is wanted
