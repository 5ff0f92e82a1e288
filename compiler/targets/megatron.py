"""Megatron: arguments of its model and of its parallel layout, and what must divide what.

megatron-core checks some of this itself, late and in its own words; what it lets pass silently is checked here.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from tunewright.compiler.ir.facts import ModelFacts
from tunewright.compiler.ir.resolved import ResolvedParallelism, ResolvedTrain
from tunewright.spec.tuners import TUNERS

#: The vocabulary is padded so that every tensor-parallel rank holds a multiple of this.
_VOCABULARY_MULTIPLE = 128
_OPTIMIZERS = frozenset({"adamw_torch", "adamw_torch_fused", "sgd"})


class Misfit(NamedTuple):
    """A setting that does not fit the model, the machine or the runner: its key, and why."""

    key: str
    reason: str


def padded_vocabulary(vocab_size: int, tensor_parallel: int) -> int:
    """Return the size the embedding table really has."""
    multiple = _VOCABULARY_MULTIPLE * tensor_parallel
    return -(-vocab_size // multiple) * multiple


def misfits(train: ResolvedTrain, model: ModelFacts) -> Iterator[Misfit]:
    """Yield everything about the layout that can't be run."""
    yield from _layout_misfits(train)
    yield from _sequence_misfits(train)
    yield from _tensor_misfits(train, model)
    yield from _pipeline_misfits(train, model)
    yield from _expert_misfits(train, model)


def unavailable(train: ResolvedTrain, model: ModelFacts) -> Iterator[Misfit]:
    """Yield the settings of `train` that the Megatron runner does not have; it would drop them without a word."""
    if model.model_type and (model.family is None or not model.family.megatron):
        yield Misfit("parallelism", f"our Megatron path does not map the weights of `{model.model_type}` models")
    if not TUNERS[train.tuner.type].on_megatron and TUNERS[train.tuner.type].base_bits is None:
        yield Misfit("tuner", f"the tuner `{train.tuner.type}` is not built on its divided layers")
    if train.packing:
        yield Misfit("packing", "rows are not packed")
    if train.precision == "fp16":
        yield Misfit("precision", "fp16 is not tried there")
    if train.optim not in _OPTIMIZERS:
        yield Misfit("optim", f"it has no `{train.optim}`")
    if train.train_sampling_strategy == "group_by_length":
        yield Misfit("train_sampling_strategy", "rows of like length are not looked for")
    if train.neftune_noise_alpha is not None:
        yield Misfit("neftune_noise_alpha", "its embeddings are divided and get no noise")


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
            "optimizer": "sgd" if train.optim == "sgd" else "adam",
            "adam_beta1": train.adam_beta1,
            "adam_beta2": train.adam_beta2,
            "adam_eps": train.adam_epsilon,
            "lr": train.learning_rate,
            "sgd_momentum": 0.0,
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
    a_stage = layout.processes // layout.pipeline_parallel
    if layout.processes % together:
        yield Misfit(
            "processes", f"{layout.processes} processes are not a multiple of {together}, the size of one model copy"
        )
    elif a_stage % layout.expert_parallel:
        yield Misfit(
            "expert_parallel",
            f"{a_stage} processes, which a stage has, can't be divided into groups of {layout.expert_parallel}",
        )
    if layout.tensor_parallel > layout.processes_per_node:
        yield Misfit("tensor_parallel", "the processes that share a layer must be on one machine")


def _sequence_misfits(train: ResolvedTrain) -> Iterator[Misfit]:
    layout = train.parallelism
    if layout.sequence_parallel and layout.tensor_parallel == 1:
        yield Misfit("sequence_parallel", "it splits work within a tensor-parallel group, and there is none")
    if layout.context_parallel > 1 and train.device == "cpu":
        yield Misfit("context_parallel", "only TransformerEngine's attention divides a sequence: it needs accelerators")
    if train.max_length % (2 * layout.context_parallel) and layout.context_parallel > 1:
        yield Misfit(
            "context_parallel", f"max_length {train.max_length} is not a multiple of {2 * layout.context_parallel}"
        )


def _tensor_misfits(train: ResolvedTrain, model: ModelFacts) -> Iterator[Misfit]:
    degree = train.parallelism.tensor_parallel
    whole_experts = train.parallelism.expert_parallel > 1
    divided = (
        ("attention heads", model.num_attention_heads),
        ("key-value heads", model.num_key_value_heads),
        ("hidden units", model.hidden_size),
        ("units of the MLP", model.intermediate_size),
        ("units of an expert", 0 if whole_experts else model.moe_intermediate_size),
    )
    for name, size in divided:
        if size and size % degree:
            yield Misfit("tensor_parallel", f"{size} {name} can't be divided by {degree}")


def _pipeline_misfits(train: ResolvedTrain, model: ModelFacts) -> Iterator[Misfit]:
    layout, layers = train.parallelism, model.num_hidden_layers
    stages, parts = layout.pipeline_parallel, layout.virtual_pipeline_parallel
    if layers and layers % stages:
        yield Misfit("pipeline_parallel", f"{layers} layers can't be cut into {stages} equal stages")
    elif layers and layers % (stages * parts):
        yield Misfit(
            "virtual_pipeline_parallel", f"{layers // stages} layers of a stage can't be cut into {parts} equal parts"
        )
    if parts > 1 and stages == 1:
        yield Misfit("virtual_pipeline_parallel", "it cuts the stages of a pipeline, and there is one stage")
    elif parts > 1 and train.gradient_accumulation_steps % stages:
        yield Misfit(
            "virtual_pipeline_parallel",
            f"the parts take turns over {stages} micro-batches at a time: `gradient_accumulation_steps` "
            f"{train.gradient_accumulation_steps} is no multiple of it",
        )


def _expert_misfits(train: ResolvedTrain, model: ModelFacts) -> Iterator[Misfit]:
    layout = train.parallelism
    if layout.expert_parallel > 1 and model.hidden_size and not model.num_experts:
        yield Misfit("expert_parallel", "the model has no experts")
    if model.num_experts and model.num_experts % layout.expert_parallel:
        yield Misfit(
            "expert_parallel", f"{model.num_experts} experts can't be spread evenly over {layout.expert_parallel}"
        )
    if model.num_experts and layout.tensor_parallel > 1 and not layout.sequence_parallel:
        yield Misfit("sequence_parallel", "experts under tensor parallelism need it to be true")


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
        "virtual_pipeline_model_parallel_size": _interleaved(layout),
        "context_parallel_size": layout.context_parallel,
        "expert_model_parallel_size": layout.expert_parallel,
        "expert_tensor_parallel_size": 1 if layout.expert_parallel > 1 else layout.tensor_parallel,
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


def _interleaved(layout: ResolvedParallelism) -> int | None:
    return layout.virtual_pipeline_parallel if layout.virtual_pipeline_parallel > 1 else None
