"""Megatron: arguments of its model and of its parallel layout, and what must divide what.

megatron-core checks some of this itself, late and in its own words; what it lets pass silently is checked here.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from tunewright.compiler.ir.facts import ModelFacts
from tunewright.compiler.ir.resolved import ResolvedTrain

#: The vocabulary is padded so that every tensor-parallel rank holds a multiple of this.
_VOCABULARY_MULTIPLE = 128


class Misfit(NamedTuple):
    """A degree that does not fit the model or the machine: the key of `parallelism`, and why."""

    key: str
    reason: str


def padded_vocabulary(vocab_size: int, tensor_parallel: int) -> int:
    """Return the size the embedding table really has."""
    multiple = _VOCABULARY_MULTIPLE * tensor_parallel
    return -(-vocab_size // multiple) * multiple


def misfits(train: ResolvedTrain, model: ModelFacts) -> Iterator[Misfit]:
    """Yield everything about the layout that can't be run."""
    yield from _layout_misfits(train)
    yield from _tensor_misfits(train, model)
    layout, layers = train.parallelism, model.num_hidden_layers
    if layers and layers % layout.pipeline_parallel:
        yield Misfit("pipeline_parallel", f"{layers} layers can't be cut into {layout.pipeline_parallel} equal stages")
    if layout.expert_parallel > 1 and model.hidden_size and not model.num_experts:
        yield Misfit("expert_parallel", "the model has no experts")
    if model.num_experts and model.num_experts % layout.expert_parallel:
        yield Misfit(
            "expert_parallel", f"{model.num_experts} experts can't be spread evenly over {layout.expert_parallel}"
        )


def megatron_arguments(train: ResolvedTrain, model: ModelFacts) -> dict[str, Any]:
    """Return the settings of a Megatron step: `model` for TransformerConfig, the other groups for our loop."""
    layout = train.parallelism
    return {
        "model": _transformer(train, model),
        "vocabulary": {
            "vocab_size": model.vocab_size,
            "padded_vocab_size": padded_vocabulary(model.vocab_size or 0, layout.tensor_parallel),
            "share_embeddings_and_output_weights": model.tie_word_embeddings,
        },
        "schedule": {
            "micro_batch_size": train.per_device_train_batch_size,
            "global_batch_size": train.global_batch_size,
            "num_microbatches": train.gradient_accumulation_steps,
            "seq_length": train.max_length,
        },
        "optimizer": {
            "optimizer": "adam",
            "adam_beta1": train.adam_beta1,
            "adam_beta2": train.adam_beta2,
            "adam_eps": train.adam_epsilon,
            "lr": train.learning_rate,
            "weight_decay": train.weight_decay,
            "clip_grad": train.max_grad_norm,
            "bf16": train.precision == "bf16",
            "fp16": train.precision == "fp16",
            "use_distributed_optimizer": layout.data_parallel > 1,
        },
    }


def _layout_misfits(train: ResolvedTrain) -> Iterator[Misfit]:
    layout = train.parallelism
    together = layout.tensor_parallel * layout.pipeline_parallel * layout.context_parallel
    if layout.processes % together:
        yield Misfit(
            "processes", f"{layout.processes} processes are not a multiple of {together}, the size of one model copy"
        )
    elif layout.expert_parallel > 1 and layout.data_parallel * layout.context_parallel % layout.expert_parallel:
        yield Misfit(
            "expert_parallel",
            f"{layout.data_parallel} copies of the data can't share {layout.expert_parallel} groups of experts",
        )
    if layout.tensor_parallel > layout.processes_per_node:
        yield Misfit("tensor_parallel", "the processes that share a layer must be on one machine")
    if layout.sequence_parallel and layout.tensor_parallel == 1:
        yield Misfit("sequence_parallel", "it splits work within a tensor-parallel group, and there is none")
    if train.max_length % (2 * layout.context_parallel) and layout.context_parallel > 1:
        yield Misfit(
            "context_parallel", f"max_length {train.max_length} is not a multiple of {2 * layout.context_parallel}"
        )


def _tensor_misfits(train: ResolvedTrain, model: ModelFacts) -> Iterator[Misfit]:
    degree = train.parallelism.tensor_parallel
    divided = (
        ("attention heads", model.num_attention_heads),
        ("key-value heads", model.num_key_value_heads),
        ("hidden units", model.hidden_size),
        ("units of the MLP", model.intermediate_size),
    )
    for name, size in divided:
        if size and size % degree:
            yield Misfit("tensor_parallel", f"{size} {name} can't be divided by {degree}")


def _transformer(train: ResolvedTrain, model: ModelFacts) -> dict[str, Any]:
    layout = train.parallelism
    settings: dict[str, Any] = {
        "num_layers": model.num_hidden_layers,
        "hidden_size": model.hidden_size,
        "ffn_hidden_size": model.intermediate_size,
        "num_attention_heads": model.num_attention_heads,
        "num_query_groups": model.num_key_value_heads,
        "kv_channels": model.head_dim,
        "normalization": "LayerNorm" if model.norm_bias else "RMSNorm",
        "gated_linear_unit": model.mlp_gated,
        "add_bias_linear": model.linear_bias,
        "add_qkv_bias": model.attention_qkv_bias,
        "qk_layernorm": model.qk_norm,
        "attention_dropout": 0.0,
        "hidden_dropout": 0.0,
        "tensor_model_parallel_size": layout.tensor_parallel,
        "pipeline_model_parallel_size": layout.pipeline_parallel,
        "context_parallel_size": layout.context_parallel,
        "expert_model_parallel_size": layout.expert_parallel,
        "sequence_parallel": layout.sequence_parallel,
        "bf16": train.precision == "bf16",
        "fp16": train.precision == "fp16",
    }
    if train.gradient_checkpointing:
        settings |= {"recompute_granularity": "full", "recompute_method": "uniform", "recompute_num_layers": 1}
    if model.num_experts:
        settings |= {
            "num_moe_experts": model.num_experts,
            "moe_router_topk": model.num_experts_per_token,
            "moe_ffn_hidden_size": model.moe_intermediate_size,
            "moe_token_dispatcher_type": "alltoall",
        }
    return settings
