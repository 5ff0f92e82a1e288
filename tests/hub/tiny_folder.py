"""A model folder in the Hugging Face layout, made without torch: what compilers and hubs look at."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def write_model(
    folder: Path, *, template: bool = False, weights: bool = True, configuration: dict[str, Any] | None = None
) -> None:
    """Write a model folder in the Hugging Face layout: one llama block of width 16."""
    folder.mkdir()
    shape = {
        "model_type": "llama",
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "vocab_size": 64,
        "max_position_embeddings": 2048,
        "torch_dtype": "float32",
    }
    write_json(folder / "config.json", {**shape, **(configuration or {})})
    write_json(folder / "tokenizer.json", {"version": "1.0", "model": {"type": "BPE", "vocab": {}, "merges": []}})
    write_json(folder / "tokenizer_config.json", {"chat_template": "{{ messages }}"} if template else {})
    if weights:
        write_safetensors(folder / "model.safetensors")


def write_safetensors(path: Path, shapes: Mapping[str, tuple[int, ...]] | None = None) -> None:
    """Write weights as zeros, those of that block unless told: the header's length, the header, the bytes."""
    shapes = shapes or {
        "model.embed_tokens.weight": (64, 16),
        "model.norm.weight": (16,),
        **{f"model.layers.0.self_attn.{name}_proj.weight": (16, 16) for name in "qkvo"},
        **{f"model.layers.0.mlp.{name}_proj.weight": (32, 16) for name in ("gate", "up")},
        "model.layers.0.mlp.down_proj.weight": (16, 32),
    }
    header, end = {}, 0
    for name, shape in shapes.items():
        size = 4 * math.prod(shape)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + bytes(end))


def write_json(path: Path, value: Any) -> None:
    """Write a value as JSON."""
    path.write_text(json.dumps(value), encoding="utf-8")
