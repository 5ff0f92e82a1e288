"""Turn a model's config.json into facts: families name the same sizes differently and leave some things unsaid."""

from collections.abc import Mapping
from typing import Any

from tunewright.compiler.collect.families import FamilyOf
from tunewright.compiler.facts.families import FAMILIES, Family, family_of
from tunewright.compiler.ir.facts import LatentAttention, VisionTower
from tunewright.spec.packed_weights import UnreadableWeightsError, packing_of

_ALIASES = {
    "hidden_size": ("hidden_size", "n_embd", "d_model"),
    "num_hidden_layers": ("num_hidden_layers", "n_layer", "n_layers", "num_layers"),
    "num_attention_heads": ("num_attention_heads", "n_head", "n_heads"),
    "num_key_value_heads": ("num_key_value_heads", "multi_query_group_num", "num_kv_heads"),
    "head_dim": ("head_dim", "kv_channels"),
    "intermediate_size": ("intermediate_size", "ffn_hidden_size", "n_inner"),
    "vocab_size": ("vocab_size", "padded_vocab_size"),
    "max_position_embeddings": ("max_position_embeddings", "seq_length", "n_positions", "max_seq_len"),
    "num_experts": ("num_experts", "num_local_experts", "n_routed_experts"),
    "num_experts_per_token": ("num_experts_per_tok", "num_experts_per_token", "moe_topk"),
}
_PLAIN_ROPE = frozenset({None, "default"})
_RECURRENT_LAYERS = frozenset({"linear_attention", "mamba", "recurrent", "conv"})
_RECURRENT_MODELS = frozenset(
    {"mamba", "mamba2", "falcon_mamba", "jamba", "bamba", "zamba2", "rwkv", "recurrent_gemma"}
)
_BIGGEST = 2**31  # no real extent comes near
_QWEN3_VL_POSITIONS = 2304


def facts_of_configuration(config: Mapping[str, Any], family_named: FamilyOf = family_of) -> dict[str, Any]:
    """Return fields of ModelFacts; sizes that are missing or are not positive integers are left out."""
    text = _section(config, "text_config") or config
    model_type = _name(config, "model_type")
    family = family_named(model_type) or family_of(_name(text, "model_type")) or Family(model_type="")
    fields: dict[str, Any] = {"model_type": model_type}
    if family.model_type and family.model_type not in FAMILIES:
        fields["described_family"] = family
    spelt = dict(family.sizes)
    for field, names in _ALIASES.items():
        own = (spelt[field],) if field in spelt else ()
        if (size := _size(text, *own, *names)) is not None:
            fields[field] = size
    hidden, heads = fields.get("hidden_size"), fields.get("num_attention_heads")
    if heads:
        fields.setdefault("num_key_value_heads", heads)
    if hidden and heads and hidden >= heads:
        fields.setdefault("head_dim", hidden // heads)
    if hidden and model_type == "gpt2":
        fields.setdefault("intermediate_size", 4 * hidden)
    fields.update(_mixture(text, fields))
    fields.update(_construction(text, config, family))
    fields.update(_vision(config, family, fields))
    if latent := _latent(text):
        fields["latent_attention"] = latent
    return fields


def _mixture(text: Mapping[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    if not fields.get("num_experts"):
        return {}
    width = _size(text, "moe_intermediate_size") or fields.get("intermediate_size") or 0
    shared = _size(text, "shared_expert_intermediate_size") or (_size(text, "n_shared_experts") or 0) * width
    shared = shared if shared < _BIGGEST else 0
    return {
        "moe_intermediate_size": width,
        "shared_expert_intermediate_size": shared,
        "first_dense_layers": _size(text, "first_k_dense_replace") or 0,
    }


def _construction(text: Mapping[str, Any], config: Mapping[str, Any], family: Family) -> dict[str, Any]:
    tied = config.get("tie_word_embeddings", text.get("tie_word_embeddings"))
    dtype = config.get("dtype") or config.get("torch_dtype") or text.get("dtype") or text.get("torch_dtype")
    return {
        "tie_word_embeddings": tied if isinstance(tied, bool) else family.tied,
        "attention_qkv_bias": family.qkv_bias or text.get("attention_bias") is True,
        "qk_norm": family.qk_norm,
        "linear_bias": family.linear_bias,
        "mlp_gated": family.gated,
        "norms_per_layer": family.norms_per_layer,
        "norm_bias": family.norm_bias,
        "learned_positions": (_size(text, "n_positions") or 0) if family.model_type == "gpt2" else 0,
        "rope_scaling": _scaled(text),
        "dtype": dtype.removeprefix("torch.") if isinstance(dtype, str) else None,
        **_quantization(config, experts=any(_size(text, key) for key in _ALIASES["num_experts"])),
        "remote_code": bool(config.get("auto_map")),
        "recurrent": _is_recurrent(text),
    }


def _scaled(text: Mapping[str, Any]) -> bool:
    rope = _section(text, "rope_scaling") or _section(text, "rope_parameters")
    kind = rope.get("rope_type", rope.get("type"))
    return not (kind is None or (isinstance(kind, str) and kind in _PLAIN_ROPE))


def _is_recurrent(text: Mapping[str, Any]) -> bool:
    kinds = text.get("layer_types")
    named = kinds if isinstance(kinds, list) else []
    return any(kind in _RECURRENT_LAYERS for kind in named if isinstance(kind, str)) or (
        _name(text, "model_type") in _RECURRENT_MODELS
    )


def _quantization(config: Mapping[str, Any], *, experts: bool) -> dict[str, Any]:
    settings = _section(config, "quantization_config") or _section(config, "compression_config")
    if not settings:
        return {"quantization": None}
    method = settings.get("quant_method")
    if not isinstance(method, str):
        return {"quantization": "unknown"}
    try:
        packed = packing_of(settings)
    except UnreadableWeightsError as error:
        return {"quantization": method, "unreadable_weights": str(error)}
    problem = f"{method} weights of experts can't be read here: they are stored as one block" if experts else None
    return {"quantization": method, "unreadable_weights": problem if packed else None}


def _vision(config: Mapping[str, Any], family: Family, fields: Mapping[str, Any]) -> dict[str, Any]:
    settings = _section(config, "vision_config")
    if not settings:
        return {"vision": family.vision}
    kind = family.model_type
    wide = _size(settings, "embed_dim") if kind == "qwen2_vl" else _size(settings, "hidden_size")
    depth, patch = _size(settings, "depth"), _size(settings, "patch_size")
    inner = _size(settings, "intermediate_size") or 4 * (wide or 0)
    if not (family.vision and wide and depth and patch):
        return {"vision": True}
    deepstack = settings.get("deepstack_visual_indexes")
    tower = VisionTower(
        kind=kind,
        depth=depth,
        hidden_size=wide,
        intermediate_size=inner,
        patch_size=patch,
        out_hidden_size=_size(settings, "out_hidden_size") or fields.get("hidden_size") or wide,
        temporal_patch_size=_size(settings, "temporal_patch_size") or 2,
        spatial_merge_size=_size(settings, "spatial_merge_size") or 2,
        learned_positions=(_size(settings, "num_position_embeddings") or _QWEN3_VL_POSITIONS)
        if kind == "qwen3_vl"
        else 0,
        deepstack_mergers=len(deepstack) if isinstance(deepstack, list) else 0,
    )
    return {"vision": True, "vision_tower": tower}


def _latent(text: Mapping[str, Any]) -> LatentAttention | None:
    rank, nope = _size(text, "kv_lora_rank"), _size(text, "qk_nope_head_dim")
    rope, value = _size(text, "qk_rope_head_dim"), _size(text, "v_head_dim")
    if not (rank and nope and rope and value):
        return None
    return LatentAttention(
        query_rank=_size(text, "q_lora_rank"),
        key_value_rank=rank,
        nope_head_dim=nope,
        rope_head_dim=rope,
        value_head_dim=value,
    )


def _section(config: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = config.get(name)
    return value if isinstance(value, Mapping) else {}


def _name(config: Mapping[str, Any], key: str) -> str | None:
    value = config.get(key)
    return value if isinstance(value, str) else None


def _size(config: Mapping[str, Any], *names: str) -> int | None:
    for name in names:
        value = config.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and 0 < value < _BIGGEST:
            return value
    return None
