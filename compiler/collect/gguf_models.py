"""Look at a GGUF file as a base model: its header's own words turned into facts."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tunewright.compiler.collect.cache import FactCache, remembered
from tunewright.compiler.collect.chat_templates import template_hazard
from tunewright.compiler.collect.files import file_digest
from tunewright.compiler.collect.gguf import ArrayLength, GgufError, GgufHeader, read_gguf_header
from tunewright.compiler.facts.families import family_of, linear_names
from tunewright.compiler.ir.facts import ModelFacts

#: GGUF architectures whose name differs from the `model_type` of config.json.
_MODEL_TYPES = {"qwen2moe": "qwen2_moe", "qwen3moe": "qwen3_moe", "deepseek2": "deepseek_v2", "gpt-oss": "gpt_oss"}
_FLOATS = {"F32": "float32", "F16": "float16", "BF16": "bfloat16"}


def collect_gguf(source: str, path: Path, *, cache: FactCache | None) -> ModelFacts:
    """Return the facts of a GGUF file; what is wrong with it becomes `problem`."""
    try:
        if not path.is_file():
            return _unusable(
                source, f"{source} is a folder; `gguf:` needs a file" if path.exists() else f"{source} does not exist"
            )
        fields = dict(
            remembered(cache, "gguf", path, lambda file: _facts_of_header(read_gguf_header(file)), "template")
        )
        template = fields.pop("template")
        hazard = template_hazard([template] if template else [], cache)
        digest = file_digest(path, cache=cache)
        known: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()
        }
        return ModelFacts(
            source=source,
            origin="gguf",
            path=str(path),
            digest=digest,
            weight_bytes=path.stat().st_size,
            template_hazard=hazard,
            **known,
        )
    except GgufError as error:
        return _unusable(source, f"{source} is not a usable GGUF file: {error}")
    except OSError as error:
        return _unusable(source, f"{source} can't be read: {error.strerror or error}")


def _facts_of_header(header: GgufHeader) -> Mapping[str, Any]:
    metadata = header.metadata
    architecture = metadata.get("general.architecture")
    if not isinstance(architecture, str):
        raise GgufError("it does not say which architecture it holds")
    if not header.tensors:
        raise GgufError("it holds no weights")
    names = {tensor.name for tensor in header.tensors}
    model_type = _MODEL_TYPES.get(architecture, architecture)
    heads = _integer(metadata, f"{architecture}.attention.head_count")
    hidden = _integer(metadata, f"{architecture}.embedding_length")
    heaviest = _heaviest_type(header)
    return {
        "model_type": model_type,
        "hidden_size": hidden,
        "num_hidden_layers": _integer(metadata, f"{architecture}.block_count"),
        "num_attention_heads": heads,
        "num_key_value_heads": _integer(metadata, f"{architecture}.attention.head_count_kv") or heads,
        "head_dim": _integer(metadata, f"{architecture}.attention.key_length") or (hidden or 0) // (heads or 1) or None,
        "intermediate_size": _integer(metadata, f"{architecture}.feed_forward_length"),
        "vocab_size": _vocabulary(header, architecture),
        "max_position_embeddings": _integer(metadata, f"{architecture}.context_length"),
        "rope_scaling": metadata.get(f"{architecture}.rope.scaling.type", "none") != "none",
        "tie_word_embeddings": "output.weight" not in names,
        "num_experts": _integer(metadata, f"{architecture}.expert_count") or 0,
        "num_experts_per_token": _integer(metadata, f"{architecture}.expert_used_count") or 0,
        "moe_intermediate_size": _integer(metadata, f"{architecture}.expert_feed_forward_length") or 0,
        "shared_expert_intermediate_size": _integer(metadata, f"{architecture}.expert_shared_feed_forward_length") or 0,
        "attention_qkv_bias": "blk.0.attn_q.bias" in names,
        "qk_norm": "blk.0.attn_q_norm.weight" in names,
        "num_parameters": sum(tensor.elements for tensor in header.tensors),
        "dtype": _FLOATS.get(heaviest),
        "quantization": None if heaviest in _FLOATS else heaviest.lower(),
        "chat_template": bool(metadata.get("tokenizer.chat_template")),
        "template": str(metadata.get("tokenizer.chat_template") or ""),
        "linear_modules": linear_names(family_of(model_type)),
    }


def _heaviest_type(header: GgufHeader) -> str:
    """Return the type that most parameters of the blocks are stored in; embeddings often have a finer one."""
    elements: dict[str, int] = {}
    for tensor in header.tensors:
        inside = tensor.name.startswith("blk.")
        elements[tensor.type] = elements.get(tensor.type, 0) + (tensor.elements if inside else 0)
    return max(elements, key=lambda kind: elements[kind])


def _vocabulary(header: GgufHeader, architecture: str) -> int | None:
    tokens = header.metadata.get("tokenizer.ggml.tokens")
    if isinstance(tokens, ArrayLength) and tokens:
        return int(tokens)
    return _integer(header.metadata, f"{architecture}.vocab_size")


def _integer(metadata: Mapping[str, Any], key: str) -> int | None:
    value = metadata.get(key)
    usable = isinstance(value, int) and not isinstance(value, bool | ArrayLength) and 0 < value < 2**40
    return value if usable else None


def _unusable(source: str, problem: str) -> ModelFacts:
    return ModelFacts(source=source, origin="unknown", problem=problem)
