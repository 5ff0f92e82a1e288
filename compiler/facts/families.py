"""Known model families: the names of their linear layers, and what config.json leaves unsaid."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from tunewright.spec.record import record

#: A linear layer's name in a block, and the roles it plays: q, k, v, o of attention; gate, up, down of the MLP.
Linears = tuple[tuple[str, str], ...]

LLAMA: Linears = (
    ("q_proj", "q"), ("k_proj", "k"), ("v_proj", "v"), ("o_proj", "o"),
    ("gate_proj", "gate"), ("up_proj", "up"), ("down_proj", "down"),
)  # fmt: skip
LATENT: Linears = (
    ("q_proj", "q"), ("q_a_proj", "q_a"), ("q_b_proj", "q_b"),
    ("kv_a_proj_with_mqa", "kv_a"), ("kv_b_proj", "kv_b"), ("o_proj", "o"),
    ("gate_proj", "gate"), ("up_proj", "up"), ("down_proj", "down"),
)  # fmt: skip
_PLAIN: Linears = (
    ("query_key_value", "q k v"), ("dense", "o"), ("dense_h_to_4h", "gate up"), ("dense_4h_to_h", "down"),
)  # fmt: skip

#: How transformers computes attention; not every family's layers can do it in every way.
Attention = Literal["eager", "sdpa", "flash_attention_2"]

_ATTENTION = ("q_proj", "v_proj")
_EVERY_ENGINE = ("embedded", "vllm", "sglang", "lmdeploy")
_NOT_LMDEPLOY = ("embedded", "vllm", "sglang")

#: Models that read in both directions and do not write; their parts are built otherwise.
ENCODERS = frozenset(
    {
        "albert", "bert", "camembert", "deberta", "deberta-v2", "distilbert", "electra", "modernbert", "mpnet",
        "roberta", "xlm-roberta",
    }
)  # fmt: skip


@record(kw_only=True)
class Family:
    """What holds for all models of one `model_type`.

    `lora_modules`: default targets of LoRA. `linears`: all linear layers of a block; `expert_linears`: those of one
    expert where their names differ. `qkv_bias`, `qk_norm`, `tied`, `norms_per_layer`: what config.json leaves out.
    `turn_end`: the text that ends an assistant's turn in the family's chat template, None where it has none.
    `megatron`: our Megatron path maps its weights. `engines`: serving engines that load it. `packs`: transformers keeps
    packed rows apart by their positions whatever the attention; a test shows it of each. `attention`: in which ways its
    layers compute it. `sizes`: a field of ModelFacts and the key of config.json that has it, where no other family
    spells it so.
    """

    model_type: str
    linears: Linears = LLAMA
    lora_modules: tuple[str, ...] = _ATTENTION
    expert_linears: Linears = ()
    qkv_bias: bool = False
    qk_norm: bool = False
    tied: bool = False
    norms_per_layer: int = 2
    norm_bias: bool = False
    gated: bool = True
    linear_bias: bool = False
    vision: bool = False
    megatron: bool = False
    turn_end: str | None = None
    engines: tuple[str, ...] = _EVERY_ENGINE
    packs: bool = False
    attention: tuple[Attention, ...] = ("eager", "sdpa", "flash_attention_2")
    sizes: tuple[tuple[str, str], ...] = ()


_MIXTRAL_EXPERT: Linears = (("w1", "gate"), ("w3", "up"), ("w2", "down"))
_ROWS = (
    Family(model_type="llama", megatron=True, turn_end="<|eot_id|>", packs=True),
    Family(model_type="mistral", megatron=True, turn_end="</s>", packs=True),
    Family(
        model_type="mixtral",
        linears=LLAMA[:4],
        expert_linears=_MIXTRAL_EXPERT,
        megatron=True,
        turn_end="</s>",
        packs=True,
    ),
    Family(
        model_type="qwen",
        linears=(
            ("c_attn", "q k v"), ("attn.c_proj", "o"), ("w1", "up"), ("w2", "gate"), ("mlp.c_proj", "down"),
        ),
        lora_modules=("c_attn",),
        qkv_bias=True,
        turn_end="<|im_end|>",
    ),
    Family(model_type="qwen2", qkv_bias=True, megatron=True, turn_end="<|im_end|>", packs=True),
    Family(model_type="qwen2_moe", qkv_bias=True, turn_end="<|im_end|>", packs=True),
    Family(model_type="qwen3", qk_norm=True, megatron=True, turn_end="<|im_end|>", packs=True),
    Family(model_type="qwen3_moe", qk_norm=True, megatron=True, turn_end="<|im_end|>", packs=True),
    Family(model_type="qwen2_vl", qkv_bias=True, vision=True, turn_end="<|im_end|>"),
    Family(model_type="qwen2_5_vl", qkv_bias=True, vision=True, turn_end="<|im_end|>"),
    Family(model_type="qwen3_vl", qk_norm=True, vision=True, turn_end="<|im_end|>"),
    Family(model_type="gemma", tied=True, turn_end="<end_of_turn>", packs=True),
    Family(model_type="gemma2", tied=True, norms_per_layer=4, turn_end="<end_of_turn>", packs=True),
    Family(
        model_type="phi3",
        linears=(("qkv_proj", "q k v"), ("o_proj", "o"), ("gate_up_proj", "gate up"), ("down_proj", "down")),
        lora_modules=("qkv_proj",),
        turn_end="<|end|>",
        packs=True,
    ),
    Family(
        model_type="deepseek_v2",
        linears=LATENT,
        lora_modules=("q_proj", "kv_a_proj_with_mqa", "kv_b_proj", "o_proj"),
        turn_end="<｜end▁of▁sentence｜>",
    ),
    Family(
        model_type="deepseek_v3",
        linears=LATENT,
        lora_modules=("q_a_proj", "q_b_proj", "kv_a_proj_with_mqa", "kv_b_proj", "o_proj"),
        turn_end="<｜end▁of▁sentence｜>",
    ),
    Family(
        model_type="internlm2",
        linears=(("wqkv", "q k v"), ("wo", "o"), ("w1", "gate"), ("w3", "up"), ("w2", "down")),
        lora_modules=("wqkv",),
        turn_end="<|im_end|>",
    ),
    Family(
        model_type="baichuan",
        linears=(("W_pack", "q k v"), *LLAMA[3:]),
        lora_modules=("W_pack",),
        turn_end="</s>",
    ),
    Family(
        model_type="chatglm",
        linears=_PLAIN,
        lora_modules=("query_key_value",),
        qkv_bias=True,
        turn_end="<|user|>",
        engines=("vllm", "lmdeploy"),
    ),
    Family(
        model_type="falcon",
        linears=_PLAIN,
        lora_modules=("query_key_value",),
        tied=True,
        norm_bias=True,
        gated=False,
        engines=_NOT_LMDEPLOY,
    ),
    Family(
        model_type="gpt_neox",
        linears=_PLAIN,
        lora_modules=("query_key_value",),
        qkv_bias=True,
        norm_bias=True,
        gated=False,
        linear_bias=True,
        engines=("embedded", "vllm"),
        packs=True,
    ),
    Family(
        model_type="gpt2",
        linears=(("c_attn", "q k v"), ("attn.c_proj", "o"), ("c_fc", "up"), ("mlp.c_proj", "down")),
        lora_modules=("c_attn",),
        qkv_bias=True,
        tied=True,
        norm_bias=True,
        gated=False,
        linear_bias=True,
        engines=("embedded", "vllm"),
        packs=True,
    ),
    Family(model_type="gpt_oss", qkv_bias=True, linear_bias=True, turn_end="<|return|>"),
)  # fmt: skip

FAMILIES: Mapping[str, Family] = MappingProxyType({family.model_type: family for family in _ROWS})


def family_of(model_type: str | None) -> Family | None:
    """Return the family of a `model_type`, or None when it is not in the table."""
    return FAMILIES.get(model_type or "")


def linears_with(family: Family | None, roles: str) -> tuple[str, ...]:
    """Return the linear layers of a family's blocks that play one of some roles (`k v down`); empty if not known."""
    wanted = set(roles.split())
    if family is None:
        return ()
    return tuple(name for name, played in family.linears if wanted & set(played.split()))


def linear_names(family: Family | None) -> tuple[str, ...]:
    """Return the names (last component) of the linear layers inside a block of a family; empty when it is not known."""
    if family is None:
        return ()
    return tuple(dict.fromkeys(name.rpartition(".")[2] for name, _ in (*family.linears, *family.expert_linears)))
