"""A model folder is taken at its word: headers are read, nothing is loaded, what is wrong is said in a sentence."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tunewright.compiler.collect.configuration import facts_of_configuration
from tunewright.compiler.collect.models import collect_model
from tunewright.compiler.collect.safetensors import SafetensorsError, read_safetensors_header
from tunewright.spec.canonical import digest_of_tree

CONFIG = {
    "model_type": "llama",
    "hidden_size": 8,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 16,
    "vocab_size": 32,
    "max_position_embeddings": 128,
    "torch_dtype": "bfloat16",
}
TENSORS = {
    "model.embed_tokens.weight": ("BF16", [32, 8]),
    "model.layers.0.self_attn.q_proj.weight": ("BF16", [8, 8]),
    "model.layers.0.mlp.gate.weight": ("BF16", [4, 8]),
    "model.layers.1.mlp.down_proj.weight": ("BF16", [8, 16]),
    "model.layers.1.input_layernorm.weight": ("BF16", [8]),
    "visual.blocks.0.attn.qkv.weight": ("BF16", [24, 8]),
}


def safetensors(tensors: dict[str, tuple[str, list[int]]]) -> bytes:
    header, end = {}, 0
    for name, (dtype, shape) in tensors.items():
        size = 2
        for extent in shape:
            size *= extent
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [end, end + size]}
        end += size
    encoded = json.dumps({"__metadata__": {"format": "pt"}, **header}).encode()
    return len(encoded).to_bytes(8, "little") + encoded + bytes(end)


def make_folder(folder: Path, config: dict[str, Any] | None = None) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(CONFIG if config is None else config))
    (folder / "model.safetensors").write_bytes(safetensors(TENSORS))
    (folder / "tokenizer.json").write_text("{}")
    return folder


def problem(folder: Path) -> str:
    facts = collect_model(f"dir:{folder}", folder.parent, cache=None)
    assert facts.problem is not None
    assert facts.digest is None
    return facts.problem.removeprefix(f"dir:{folder} ")


def test_reads_shape_weights_and_digest(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "model")
    facts = collect_model("dir:model", tmp_path, cache=None)
    assert facts.problem is None
    assert (facts.hidden_size, facts.head_dim, facts.num_key_value_heads) == (8, 2, 2)
    assert facts.num_parameters == 32 * 8 + 8 * 8 + 4 * 8 + 8 * 16 + 8 + 24 * 8
    assert facts.linear_modules == ("q_proj", "down_proj")
    assert (facts.dtype, facts.chat_template, facts.tie_word_embeddings) == ("bfloat16", False, False)
    assert facts.digest == digest_of_tree(folder)


def test_hidden_files_do_not_change_the_digest(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "model")
    before = collect_model("dir:model", tmp_path, cache=None).digest
    (folder / ".git").mkdir()
    (folder / ".git" / "HEAD").write_text("x")
    assert collect_model("dir:model", tmp_path, cache=None).digest == before
    (folder / "generation_config.json").write_text("{}")
    assert collect_model("dir:model", tmp_path, cache=None).digest != before


@pytest.mark.parametrize("name", ["chat_template.jinja", "tokenizer_config.json"])
def test_finds_the_chat_template(name: str, tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "model")
    (folder / name).write_text(json.dumps({"chat_template": "{{ messages }}"}))
    assert collect_model("dir:model", tmp_path, cache=None).chat_template is True


def test_packed_weights_are_counted_by_shape(tmp_path: Path) -> None:
    make_folder(tmp_path / "model", {**CONFIG, "quantization_config": {"quant_method": "gptq", "bits": 4}})
    facts = collect_model("dir:model", tmp_path, cache=None)
    assert facts.quantization == "gptq"
    assert facts.num_parameters == 2 * 32 * 8 + 2 * (8 * 8 * 2 + 2 * 8 * 4 + 3 * 8 * 16 + 2 * 8) + 8


def test_says_what_is_missing(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    assert problem(folder) == "does not exist"
    folder.mkdir()
    assert "has no `config.json`" in problem(folder)
    (folder / "w.gguf").write_bytes(b"GGUF")
    assert "write `gguf:` and its path, w.gguf" in problem(folder)
    (folder / "adapter_config.json").write_text("{}")
    assert "holds an adapter" in problem(folder)
    (folder / "config.json").write_text(json.dumps(CONFIG))
    assert "has no weights" in problem(folder)
    (folder / "model.safetensors").write_bytes(safetensors(TENSORS))
    assert "has no tokenizer" in problem(folder)


def test_a_config_that_is_not_an_object_is_a_problem(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "model")
    for content in ("[]", "{", "[" * 100_000, '{"a": ' + "9" * 5000 + "}"):
        (folder / "config.json").write_text(content)
        assert "`config.json` that is not" in problem(folder)


def test_truncated_weights_are_a_problem(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "model")
    weights = folder / "model.safetensors"
    whole = weights.read_bytes()
    for length in (0, 4, 100, len(whole) - 1):
        weights.write_bytes(whole[:length])
        assert "is cut off" in problem(folder)
    weights.write_bytes((2**62).to_bytes(8, "little") + bytes(100))
    assert "is cut off" in problem(folder)


def test_a_missing_shard_is_named(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "model")
    index = {"weight_map": {"a": "model.safetensors", "b": "model-00002-of-00002.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    assert "`model-00002-of-00002.safetensors` is missing" in problem(folder)


def test_an_index_does_not_lead_out_of_the_folder(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "model")
    (tmp_path / "secret").write_bytes(safetensors(TENSORS))
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": "../secret"}}))
    assert "`secret` is missing" in problem(folder)


def test_family_fills_in_what_a_configuration_leaves_out() -> None:
    base = {key: CONFIG[key] for key in ("hidden_size", "num_hidden_layers", "num_attention_heads", "vocab_size")}
    assert facts_of_configuration({**base, "model_type": "qwen2"})["attention_qkv_bias"] is True
    assert facts_of_configuration({**base, "model_type": "gemma2"})["norms_per_layer"] == 4
    assert facts_of_configuration({**base, "model_type": "gemma2"})["tie_word_embeddings"] is True
    nested = facts_of_configuration({"model_type": "qwen2_5_vl", "text_config": base, "vision_config": {"depth": 2}})
    assert nested["hidden_size"] == 8
    assert nested["vision"] is True


def test_transformers_5_spelling_of_rope_and_dtype() -> None:
    plain = {**CONFIG, "rope_parameters": {"rope_type": "default", "rope_theta": 1e4}, "dtype": "float16"}
    assert facts_of_configuration(plain)["rope_scaling"] is False
    assert facts_of_configuration(plain)["dtype"] == "float16"
    assert facts_of_configuration({**CONFIG, "rope_scaling": {"type": "yarn"}})["rope_scaling"] is True


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from([*CONFIG, "text_config", "vision_config", "rope_scaling", "num_experts"]), JSON))
def test_any_configuration_gives_facts(config: dict[str, Any]) -> None:
    fields = facts_of_configuration(config)
    assert all(fields.get(name) is None or fields[name] > 0 for name in ("hidden_size", "vocab_size", "head_dim"))


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(header=st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_safetensors_header_is_read_or_refused(tmp_path: Path, header: bytes) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    try:
        tensors = read_safetensors_header(path)
    except SafetensorsError:
        return
    assert all(min(tensor.shape, default=0) >= 0 for tensor in tensors)


def vocabulary(count: int, **more: Any) -> str:
    tokens = {f"t{number}": number for number in range(count)}
    return json.dumps({"model": {"type": "BPE", "vocab": tokens, "merges": []}, **more})


def test_weights_that_can_run_code_are_refused(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "m")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    assert "has only pickled weights (pytorch_model.bin), which can run code" in problem(folder)


@pytest.mark.parametrize(
    ("tokens", "settings", "said"),
    [
        (vocabulary(33), {}, "has a tokenizer of 33 tokens, and weights for 32"),
        (vocabulary(32), {"pad_token": "<pad>"}, "has `<pad>` as its pad_token, token 32, and weights for 32 tokens"),
        (
            vocabulary(32, added_tokens=[{"id": 40, "content": "<end>"}]),
            {"eos_token": {"content": "<end>"}},
            "has `<end>` as its eos_token, token 40",
        ),
    ],
    ids=["vocabulary", "new-token", "added-token"],
)
def test_tokens_without_a_row_in_the_weights_are_found(
    tmp_path: Path, tokens: str, settings: dict[str, Any], said: str
) -> None:
    folder = make_folder(tmp_path / "m")
    (folder / "tokenizer.json").write_text(tokens)
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    assert said in problem(folder)


@pytest.mark.parametrize(
    ("tokens", "settings"),
    [
        (vocabulary(31), {"pad_token": "<pad>", "eos_token": "t3"}),
        (vocabulary(32, added_tokens=[{"id": 40, "content": "<image>"}]), {"eos_token": "t3"}),
        (vocabulary(20), {"eos_token": "<e>", "added_tokens_decoder": {"31": {"content": "<e>"}}}),
        (json.dumps({"model": {"type": "Unigram", "vocab": [["<unk>", 0.0], ["a", -1.0]]}}), {"unk_token": "<unk>"}),
        ("[]", {"eos_token": "<e>"}),
    ],
    ids=["room-for-one", "not-its-own", "named-elsewhere", "list", "no-known-form"],
)
def test_tokenizers_that_fit_are_left_alone(tmp_path: Path, tokens: str, settings: dict[str, Any]) -> None:
    folder = make_folder(tmp_path / "m")
    (folder / "tokenizer.json").write_text(tokens)
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    assert collect_model(f"dir:{folder}", tmp_path, cache=None).problem is None


def test_a_configuration_for_another_vocabulary_is_found(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "m", {**CONFIG, "vocab_size": 48})
    assert "has a `config.json` for 48 tokens, and weights for 32" in problem(folder)


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        ({"tokenizer_class": "TokenizersBackend"}, False),
        ({"tokenizer_class": "TokenizersBackend", "eos_token": "t1"}, None),
        ({"tokenizer_class": "LlamaTokenizer"}, None),
    ],
)
def test_a_tokenizer_without_an_end_is_known(tmp_path: Path, settings: dict[str, Any], found: bool | None) -> None:
    folder = make_folder(tmp_path / "m")
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    assert collect_model(f"dir:{folder}", tmp_path, cache=None).end_token is found
