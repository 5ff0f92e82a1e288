"""Activations: what a micro-batch keeps for its backward pass, by the operations of transformers' decoder blocks."""

from typing import NamedTuple

from tunewright.compiler.estimate.parameters import linear_shapes
from tunewright.compiler.ir.facts import ModelFacts
from tunewright.compiler.ir.resolved import ResolvedTuner
from tunewright.spec.methods import METHODS

#: Replaying one block needs its activations and the gradients that flow through it at the same time.
REPLAY = 1.25
#: Of the seven linear layers of a block, q, k and v read the same input, and so do gate and up.
_DISTINCT_INPUTS = 0.65
#: What a vocabulary entry costs for each token beside the logits: their 32-bit softmax and its gradient.
_SOFTMAX_BYTES = 8
#: TRL's fused head computes the loss on tiles of tokens by vocabulary entries, with three 32-bit copies of each tile.
_TILE_TOKENS, _TILE_ENTRIES, _TILE_BYTES = 4096, 32768, 12


class LossMemory(NamedTuple):
    """Bytes that the output head and the loss take: for each token of a micro-batch, and once."""

    per_token: float
    once: float = 0.0


def layer_bytes_per_token(
    model: ModelFacts, tuner: ResolvedTuner, *, element_bytes: int = 2, eager_length: int = 0
) -> float:
    """Return bytes one block keeps for one token.

    `element_bytes` is those of the computation's number format. `eager_length`: tokens each one attends to where scores
    are materialised (eager attention); 0 with a fused kernel. A frozen linear layer does not keep its input; an adapter
    beside it keeps a copy of its own in 32 bits, which in a 32-bit computation is the input that neighbours share.
    """
    hidden, wide = model.hidden_size or 0, _mlp_width(model)
    half = element_bytes / 2
    attention = _attention_bytes(model) + 8 * (model.num_attention_heads or 0) * eager_length
    # Every expert a token is sent to gets its own copy of it.
    kept = half * (attention + 4 * hidden * model.num_experts_per_token)
    if tuner.is_adapter:
        return kept + 8 * hidden + 6 * half * wide + _adapter_bytes(model, tuner, element_bytes)
    return kept + 16 * hidden + half * (2 * hidden + 8 * wide)


def kept_bytes(input_bytes: float, layer_bytes: float, loss_bytes: float, layers: float, *, replayed: bool) -> float:
    """Return bytes a token keeps at the worst moment of a micro-batch that passes through `layers` blocks.

    With gradient checkpointing (`replayed`) only the inputs of blocks are kept, and logits are gone when blocks replay.
    """
    if replayed:
        return input_bytes * layers + max(REPLAY * layer_bytes, loss_bytes)
    return layer_bytes * layers + loss_bytes


def loss_memory(
    model: ModelFacts, method: str, tokens: float, *, head_trained: bool, element_bytes: int = 2
) -> LossMemory:
    """Return what the loss of a training method takes in memory for a micro-batch of `tokens`."""
    vocabulary, hidden = model.vocab_size or 0, model.hidden_size or 0
    if METHODS[method].makes != "text":
        return LossMemory(0.0)
    if not METHODS[method].fused_loss:
        upcast = 4 if element_bytes < 4 else 0
        return LossMemory((element_bytes + upcast + _SOFTMAX_BYTES) * vocabulary)
    tile = (element_bytes + _TILE_BYTES) * min(tokens, _TILE_TOKENS) * min(vocabulary, _TILE_ENTRIES)
    # The gradients of the head's input and of the head itself are summed up in 32 bits.
    return LossMemory((element_bytes + 4) * hidden, tile + (4 * vocabulary * hidden if head_trained else 0))


def _mlp_width(model: ModelFacts) -> int:
    if model.num_experts:
        return model.num_experts_per_token * model.moe_intermediate_size + model.shared_expert_intermediate_size
    return model.intermediate_size or 0


def _attention_bytes(model: ModelFacts) -> float:
    heads = model.num_attention_heads or 0
    if latent := model.latent_attention:
        compressed = (latent.query_rank or 0) + latent.key_value_rank + latent.rope_head_dim
        return 2 * compressed + 4 * heads * (latent.nope_head_dim + latent.rope_head_dim + latent.value_head_dim)
    head = model.head_dim or (model.hidden_size or 0) // max(1, heads)
    return 4 * head * (heads + (model.num_key_value_heads or heads))


def _adapter_bytes(model: ModelFacts, tuner: ResolvedTuner, element_bytes: int) -> float:
    everything = tuner.target_modules == ("all-linear",)
    copies: float = 4 if tuner.dropout == 0 else 8
    if element_bytes == 4:
        copies *= _DISTINCT_INPUTS
    total = 0.0
    for name, shape in linear_shapes(model).items():
        if name.startswith("experts."):
            continue
        if everything or any(name == target or name.endswith(f".{target}") for target in tuner.target_modules):
            total += shape.count * (
                copies * shape.in_features + (2 * shape.out_features if tuner.type == "dora" else 0)
            )
    return total / max(1, model.num_hidden_layers or 0)
