"""Which tensors of the hub format each parameter of a Megatron model is made of."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tunewright.runners.megatron.architecture import Architecture
from tunewright.runners.megatron.layout import Layout
from tunewright.runners.megatron.model import first_layer

_LAYER = re.compile(r"decoder\.layers\.(\d+)\.(.+)")
_EXPERT = re.compile(r"mlp\.experts\.local_experts\.(\d+)\.linear_(fc1|fc2)\.weight")

EMBEDDING, OUTPUT, FINAL_NORM = "model.embed_tokens.weight", "lm_head.weight", "model.norm.weight"
_REPLICATED = {
    "input_layernorm": "input_layernorm",
    "pre_mlp_layernorm": "post_attention_layernorm",
    "self_attention.q_layernorm": "self_attn.q_norm",
    "self_attention.k_layernorm": "self_attn.k_norm",
}
QUERY_KEY_VALUE = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj")
ATTENTION_OUTPUT = "self_attn.o_proj"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapped:
    """Where one parameter stands in the hub format.

    `hub`: the tensors fused in it, `sizes` rows each, in `groups` blocks (fusing.py). `axis`: the dimension that tensor
    parallelism divides; None where each process has the whole. `rows`: of the whole with padding, when it has any.
    `expert`: each process of an expert-parallel group holds others.
    """

    hub: tuple[str, ...]
    sizes: tuple[int, ...]
    groups: int = 1
    axis: int | None = None
    rows: int | None = None
    expert: bool = False


def mapped_parameters(
    chunks: list[Any], architecture: Architecture, config: Any, layout: Layout
) -> Iterator[tuple[Any, Mapped]]:
    """Yield every base parameter of this process with its place in the hub format; adapters are not among them."""
    for chunk, first in zip(chunks, first_layers(config, layout), strict=True):
        for name, parameter in chunk.named_parameters():
            if ".adapter." not in name:
                yield parameter, _mapped(name, parameter, first, architecture, config, layout)


def first_layers(config: Any, layout: Layout) -> list[int]:
    """Return the number, in the whole model, of the first layer of each part that this process holds."""
    if layout.virtual_pipeline_parallel == 1:
        return [first_layer(config, None)]
    return [first_layer(config, part) for part in range(layout.virtual_pipeline_parallel)]


def fused_sizes(config: Any) -> tuple[int, int, int]:
    """Return the rows of the query, key and value projections."""
    key_value = config.num_query_groups * config.kv_channels
    return config.num_attention_heads * config.kv_channels, key_value, key_value


def _mapped(name: str, parameter: Any, first: int, architecture: Architecture, config: Any, layout: Layout) -> Mapped:
    if (match := _LAYER.fullmatch(name)) is not None:
        return _in_layer(f"model.layers.{first + int(match[1])}.", match[2], parameter, architecture, config, layout)
    if name == "decoder.final_layernorm.weight":
        return Mapped(hub=(FINAL_NORM,), sizes=(parameter.shape[0],))
    table = EMBEDDING if architecture.tied or name.startswith("embedding.") else OUTPUT
    return Mapped(hub=(table,), sizes=(architecture.vocabulary,), axis=0, rows=architecture.padded_vocabulary)


def _in_layer(
    prefix: str, name: str, parameter: Any, architecture: Architecture, config: Any, layout: Layout
) -> Mapped:
    names, degree = architecture.names, layout.tensor_parallel
    module, _, kind = name.rpartition(".")
    if module in _REPLICATED:
        return Mapped(hub=(f"{prefix}{_REPLICATED[module]}.{kind}",), sizes=(parameter.shape[0],))
    if (match := _EXPERT.fullmatch(name)) is not None:
        return _expert(prefix, int(match[1]), match[2], parameter, architecture, config, layout)
    match module:
        case "self_attention.linear_qkv":
            hub = tuple(f"{prefix}{part}.{kind}" for part in QUERY_KEY_VALUE)
            return Mapped(hub=hub, sizes=fused_sizes(config), groups=config.num_query_groups, axis=0)
        case "self_attention.linear_proj":
            return Mapped(hub=(f"{prefix}{ATTENTION_OUTPUT}.{kind}",), sizes=(parameter.shape[0],), axis=1)
        case "mlp.linear_fc1":
            hub = (f"{prefix}{names.gate}.{kind}", f"{prefix}{names.up}.{kind}")
            return Mapped(hub=hub, sizes=(config.ffn_hidden_size,) * 2, groups=degree, axis=0)
        case "mlp.linear_fc2":
            return Mapped(hub=(f"{prefix}{names.down}.{kind}",), sizes=(parameter.shape[0],), axis=1)
        case _:  # the router: every process has the whole of it
            return Mapped(hub=(f"{prefix}{names.router}.{kind}",), sizes=(parameter.shape[0],))


def _expert(
    prefix: str, local: int, layer: str, parameter: Any, architecture: Architecture, config: Any, layout: Layout
) -> Mapped:
    from megatron.core import parallel_state

    held = config.num_moe_experts // layout.expert_parallel
    number = parallel_state.get_expert_model_parallel_rank() * held + local
    names, degree = architecture.names, layout.expert_tensor_parallel
    gated = layer == "fc1"
    parts = (names.expert_gate, names.expert_up) if gated else (names.expert_down,)
    return Mapped(
        hub=tuple(f"{prefix}{part.format(expert=number)}.weight" for part in parts),
        sizes=(config.moe_ffn_hidden_size,) * 2 if gated else (parameter.shape[0],),
        groups=degree if gated else 1,
        axis=None if layout.expert_parallel > 1 else 0 if gated else 1,
        expert=layout.expert_parallel > 1,
    )
