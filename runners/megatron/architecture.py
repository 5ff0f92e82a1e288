"""What config.json of a hub model means to Megatron Core, beside what the plan already says."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tunewright.runners.contract import ExitCode
from tunewright.runners.sdk import StepFailedError


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """How a family names, inside a layer, what Megatron's layers are made of; `{expert}` stands for a number."""

    gate: str = "mlp.gate_proj"
    up: str = "mlp.up_proj"
    down: str = "mlp.down_proj"
    router: str = ""
    expert_gate: str = ""
    expert_up: str = ""
    expert_down: str = ""


_LLAMA = Names()
_QWEN3_MOE = Names(
    router="mlp.gate",
    expert_gate="mlp.experts.{expert}.gate_proj",
    expert_up="mlp.experts.{expert}.up_proj",
    expert_down="mlp.experts.{expert}.down_proj",
)
_MIXTRAL = Names(
    router="block_sparse_moe.gate",
    expert_gate="block_sparse_moe.experts.{expert}.w1",
    expert_up="block_sparse_moe.experts.{expert}.w3",
    expert_down="block_sparse_moe.experts.{expert}.w2",
)

#: Every family whose weights we can bring into Megatron Core and back, by the `model_type` of config.json.
FAMILIES: Mapping[str, Names] = {
    "llama": _LLAMA,
    "mistral": _LLAMA,
    "qwen2": _LLAMA,
    "qwen3": _LLAMA,
    "qwen3_moe": _QWEN3_MOE,
    "mixtral": _MIXTRAL,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """A hub model as Megatron Core must build it.

    `layers`: the plan's settings of TransformerConfig, completed. `dense_layers`: those of a mixture model that have a
    plain MLP. `inverse_frequencies`: of the rotary positions, fp32, `[head_dim / 2]`. `balance`: the weight that the
    hub's configuration gives to a loss for evenly used experts, which is not added here.
    """

    names: Names
    layers: Mapping[str, Any]
    vocabulary: int
    padded_vocabulary: int
    tied: bool
    max_positions: int
    dense_layers: frozenset[int] = field(default_factory=frozenset)
    inverse_frequencies: Any = None
    balance: float = 0.0


def read_architecture(folder: Path, planned: Mapping[str, Any], max_length: int) -> Architecture:
    """Read a model folder against `planned`, the content of megatron.json; raise StepFailedError where they differ."""
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(folder)
    if config.model_type not in FAMILIES:
        raise _impossible(f"models of type `{config.model_type}` are not among those that our Megatron path maps")
    _check_plan(config, planned)
    _check_features(config, max_length)
    experts = int(planned["model"].get("num_moe_experts") or 0)
    routing = {"moe_router_pre_softmax": not getattr(config, "norm_topk_prob", True)} if experts else {}
    return Architecture(
        names=FAMILIES[config.model_type],
        layers={**planned["model"], "layernorm_epsilon": config.rms_norm_eps, **routing},
        vocabulary=config.vocab_size,
        padded_vocabulary=planned["vocabulary"]["padded_vocab_size"],
        tied=bool(config.tie_word_embeddings),
        max_positions=config.max_position_embeddings,
        dense_layers=_dense_layers(config) if experts else frozenset(),
        inverse_frequencies=_inverse_frequencies(config),
        balance=getattr(config, "router_aux_loss_coef", 0.0) if experts else 0.0,
    )


def read_plan(work: Path) -> dict[str, Any]:
    """Read megatron.json, which the compiler wrote and the supervisor put beside the runner."""
    try:
        content: dict[str, Any] = json.loads((work / "megatron.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StepFailedError(
            f"megatron.json can't be read: {error}",
            reason="PARAMETERS_NOT_UNDERSTOOD",
            help="plan again",
            code=ExitCode.NOT_UNDERSTOOD,
        ) from error
    return content


_SAME = {
    "num_layers": "num_hidden_layers",
    "hidden_size": "hidden_size",
    "num_attention_heads": "num_attention_heads",
    "num_query_groups": "num_key_value_heads",
}


def _check_plan(config: Any, planned: Mapping[str, Any]) -> None:
    for ours, theirs in _SAME.items():
        if planned["model"][ours] != getattr(config, theirs):
            raise _impossible(f"the plan is for a model whose {theirs} is {planned['model'][ours]}, this one has "
                              f"{getattr(config, theirs)}")  # fmt: skip


def _check_features(config: Any, max_length: int) -> None:
    if getattr(config, "hidden_act", "silu") != "silu":
        raise _impossible(f"the activation `{config.hidden_act}` is not built")
    if config.model_type in ("llama", "mistral", "qwen3", "qwen3_moe") and getattr(config, "attention_bias", False):
        raise _impossible("attention layers with a bias on their output are not built")
    if getattr(config, "mlp_bias", False):
        raise _impossible("MLP layers with a bias are not built")
    window = getattr(config, "sliding_window", None)
    kinds = getattr(config, "layer_types", None)
    slides = "sliding_attention" in kinds if kinds else config.model_type in ("mistral", "mixtral")
    if window and slides and window < max_length:
        raise _impossible(f"attention over a sliding window of {window} is not built, and `max_length` is {max_length}")


def _dense_layers(config: Any) -> frozenset[int]:
    """The layers of Qwen3-MoE without experts, as transformers decides it."""
    step = getattr(config, "decoder_sparse_step", 1)
    plain = set(getattr(config, "mlp_only_layers", None) or ())
    return frozenset(layer for layer in range(config.num_hidden_layers) if layer in plain or (layer + 1) % step != 0)


def _inverse_frequencies(config: Any) -> Any:
    import torch
    from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

    rope = config.rope_parameters
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    if rope["rope_type"] == "default":
        exponents = torch.arange(0, width, 2, dtype=torch.int64).float() / width
        return 1.0 / (rope["rope_theta"] ** exponents)
    if rope["rope_type"] not in ("linear", "llama3"):
        raise _impossible(f"rotary positions of type `{rope['rope_type']}` are not built")
    return ROPE_INIT_FUNCTIONS[rope["rope_type"]](config, torch.device("cpu"))[0]


def _impossible(message: str) -> StepFailedError:
    return StepFailedError(
        message,
        reason="MODEL_NOT_SUPPORTED",
        help="choose another `parallelism` (`zero3`, `fsdp2`), which runs every model that transformers knows",
        code=ExitCode.IMPOSSIBLE,
    )
