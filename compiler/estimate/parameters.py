"""Count parameters from a model's shape: all, those one token uses, those an adapter trains. Exact, not an estimate."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

from tunewright.compiler.estimate.vision import count_vision_parameters
from tunewright.compiler.facts.families import LATENT, LLAMA, Linears
from tunewright.compiler.ir.facts import ModelFacts
from tunewright.spec.record import record


@record
class LinearShape:
    """A linear layer `in_features -> out_features`, and how many of it the whole model has."""

    in_features: int
    out_features: int
    count: int


class ShapeUnknownError(ValueError):
    """The model's sizes are not known, so nothing can be counted."""


class _Shape(NamedTuple):
    """The sizes without which nothing can be counted, all known."""

    hidden: int
    layers: int
    heads: int
    key_value_heads: int
    head_dim: int
    intermediate: int
    vocabulary: int


def has_shape(facts: ModelFacts) -> bool:
    """Say whether enough sizes are known to count parameters."""
    return all(
        (
            facts.hidden_size,
            facts.num_hidden_layers,
            facts.num_attention_heads,
            facts.intermediate_size,
            facts.vocab_size,
        )
    )


def count_parameters(facts: ModelFacts) -> int:
    """Return the number of parameters, vision tower included; raise ShapeUnknownError when sizes are not known."""
    return _count(facts, facts.num_experts)


def count_active_parameters(facts: ModelFacts) -> int:
    """Return how many parameters one token passes through: of a mixture only the experts that it is sent to."""
    return _count(facts, facts.num_experts_per_token)


@lru_cache(maxsize=64)  # asked for at every strategy of every step
def linear_shapes(facts: ModelFacts) -> Mapping[str, LinearShape]:
    """Return the linear layers of all blocks of the language model by module name.

    A name is qualified only where a block has several of it: `experts.up_proj`, `shared_expert.up_proj`, `attn.c_proj`.
    Routers, embeddings, the output head and the vision tower are not among them.
    """
    shape = _shape(facts)
    attention, mlp = _linear_names(facts)
    found = dict(_shapes(attention, _attention_roles(facts, shape), shape.layers))
    sparse = _sparse_layers(facts, shape)
    if dense := shape.layers - sparse:
        found.update(_shapes(mlp, _mlp_roles(shape.hidden, shape.intermediate, gated=facts.mlp_gated), dense))
    if sparse:
        family = facts.family
        expert = (family.expert_linears if family else ()) or mlp
        roles = _mlp_roles(shape.hidden, facts.moe_intermediate_size, gated=True)
        found.update(_shapes(expert, roles, sparse * facts.num_experts, prefix="experts."))
        if facts.shared_expert_intermediate_size:
            roles = _mlp_roles(shape.hidden, facts.shared_expert_intermediate_size, gated=True)
            found.update(_shapes(mlp, roles, sparse, prefix="shared_expert."))
    return MappingProxyType(found)


def lora_parameters(
    facts: ModelFacts, rank: int, modules: Iterable[str] | str, *, dora: bool = False, experts: bool = False
) -> int:
    """Return how many parameters LoRA of a rank trains on `modules` (names, or `all-linear`).

    A name matches as PEFT matches it: the last components of a module's path. `experts`: whether the experts of a
    mixture get adapters too; transformers keeps them as one fused parameter, which `all-linear` passes by. `dora` adds
    its magnitudes.
    """
    wanted = None if modules == "all-linear" else frozenset([modules] if isinstance(modules, str) else modules)
    total = 0
    for name, linear in linear_shapes(facts).items():
        if name.startswith("experts.") and not experts:
            continue
        if wanted is None or any(name == target or name.endswith(f".{target}") for target in wanted):
            width = linear.in_features + linear.out_features
            total += linear.count * (rank * width + (linear.out_features if dora else 0))
    return total


def _count(facts: ModelFacts, experts: int) -> int:
    shape = _shape(facts)
    norm = shape.hidden * (2 if facts.norm_bias else 1)
    layer = _attention_size(facts, shape) + facts.norms_per_layer * norm
    sparse = _sparse_layers(facts, shape)
    total = shape.layers * layer
    total += (shape.layers - sparse) * _mlp_size(facts, shape.hidden, shape.intermediate, gated=facts.mlp_gated)
    total += sparse * _mixture_size(facts, shape.hidden, experts) if sparse else 0
    total += shape.vocabulary * shape.hidden * (1 if facts.tie_word_embeddings else 2)
    total += facts.learned_positions * shape.hidden + norm
    return total + (count_vision_parameters(facts.vision_tower) if facts.vision_tower else 0)


def _attention_size(facts: ModelFacts, shape: _Shape) -> int:
    size = sum(wide * out for wide, out in _attention_roles(facts, shape).values())
    if facts.latent_attention:
        size += (facts.latent_attention.query_rank or 0) + facts.latent_attention.key_value_rank
    if facts.attention_qkv_bias:
        size += (shape.heads + 2 * shape.key_value_heads) * shape.head_dim
    if facts.qk_norm:
        size += 2 * shape.head_dim
    if facts.linear_bias:
        size += shape.hidden
    # GPT-OSS learns one attention sink a head.
    return size + (shape.heads if facts.model_type == "gpt_oss" else 0)


def _mlp_size(facts: ModelFacts, hidden: int, width: int, *, gated: bool) -> int:
    branches = 2 if gated else 1
    bias = branches * width + hidden if facts.linear_bias else 0
    return (branches + 1) * hidden * width + bias


def _mixture_size(facts: ModelFacts, hidden: int, experts: int) -> int:
    size = experts * _mlp_size(facts, hidden, facts.moe_intermediate_size, gated=True)
    size += 3 * hidden * facts.shared_expert_intermediate_size
    size += hidden * facts.num_experts + (facts.num_experts if facts.linear_bias else 0)
    if facts.model_type == "qwen2_moe":
        size += hidden  # the gate of its shared expert
    if facts.model_type == "deepseek_v3":
        size += facts.num_experts  # the correction that balances its router
    return size


def _sparse_layers(facts: ModelFacts, shape: _Shape) -> int:
    return max(0, shape.layers - facts.first_dense_layers) if facts.num_experts else 0


def _attention_roles(facts: ModelFacts, shape: _Shape) -> dict[str, tuple[int, int]]:
    hidden, query = shape.hidden, shape.heads * shape.head_dim
    if latent := facts.latent_attention:
        query = shape.heads * (latent.nope_head_dim + latent.rope_head_dim)
        roles = {"q": (hidden, query)}
        if latent.query_rank:
            roles = {"q_a": (hidden, latent.query_rank), "q_b": (latent.query_rank, query)}
        up = shape.heads * (latent.nope_head_dim + latent.value_head_dim)
        roles["kv_a"] = (hidden, latent.key_value_rank + latent.rope_head_dim)
        roles["kv_b"] = (latent.key_value_rank, up)
        roles["o"] = (shape.heads * latent.value_head_dim, hidden)
        return roles
    narrow = shape.key_value_heads * shape.head_dim
    return {"q": (hidden, query), "k": (hidden, narrow), "v": (hidden, narrow), "o": (query, hidden)}


def _mlp_roles(hidden: int, width: int, *, gated: bool) -> dict[str, tuple[int, int]]:
    roles = {"up": (hidden, width), "down": (width, hidden)}
    return roles | {"gate": (hidden, width)} if gated else roles


def _linear_names(facts: ModelFacts) -> tuple[Linears, Linears]:
    """Return the linear layers of attention and those of the MLP."""
    family = facts.family
    linears = family.linears if family else (LATENT if facts.latent_attention else LLAMA)
    mlp = tuple(item for item in linears if item[1] in {"gate", "up", "down", "gate up"})
    return tuple(item for item in linears if item not in mlp), mlp


def _shapes(
    linears: Linears, roles: Mapping[str, tuple[int, int]], count: int, prefix: str = ""
) -> Iterable[tuple[str, LinearShape]]:
    for name, played in linears:
        sizes = [roles[role] for role in played.split() if role in roles]
        if sizes:
            yield prefix + name, LinearShape(sizes[0][0], sum(out for _, out in sizes), count)


def _shape(facts: ModelFacts) -> _Shape:
    if not (facts.hidden_size and facts.num_hidden_layers and facts.num_attention_heads):
        raise ShapeUnknownError(f"the sizes of `{facts.source}` are not known")
    if facts.intermediate_size is None or not facts.vocab_size:
        raise ShapeUnknownError(f"the sizes of `{facts.source}` are not known completely")
    return _Shape(
        hidden=facts.hidden_size,
        layers=facts.num_hidden_layers,
        heads=facts.num_attention_heads,
        key_value_heads=facts.num_key_value_heads or facts.num_attention_heads,
        head_dim=facts.head_dim or facts.hidden_size // facts.num_attention_heads,
        intermediate=facts.intermediate_size,
        vocabulary=facts.vocab_size,
    )
