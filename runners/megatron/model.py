"""The model: Megatron Core's GPTModel, one chunk for each part of the pipeline that this process holds."""

from collections.abc import Mapping
from typing import Any

from tunewright.runners.megatron.architecture import Architecture
from tunewright.runners.megatron.layout import Layout

_PRECISIONS = ("bf16", "fp16")


def transformer_config(architecture: Architecture, layout: Layout) -> Any:
    """Return Megatron's TransformerConfig; nothing of Megatron's defaults is left to change what is learnt."""
    import torch
    from megatron.core.transformer.transformer_config import TransformerConfig

    settings: Mapping[str, Any] = architecture.layers
    dtype = torch.bfloat16 if settings["bf16"] else torch.float16 if settings["fp16"] else torch.float32
    interleaved = layout.virtual_pipeline_parallel > 1
    return TransformerConfig(
        **settings,
        # Between two processes only this form of the interleaved schedule keeps both directions apart.
        overlap_p2p_comm=interleaved,
        batch_p2p_comm=not interleaved,
        params_dtype=torch.float32,  # loaded as they are in the hub format; shortened afterwards
        pipeline_dtype=dtype,
        activation_func=torch.nn.functional.silu,
        # Weights are loaded, not drawn; but Megatron marks its parallel parameters only where it initialises them.
        perform_initialization=True,
        init_method=_keep,
        output_layer_init_method=_keep,
        use_cpu_initialization=True,
        # The loss is a mean over the tokens of the whole batch, as transformers' Trainer computes it.
        calculate_per_token_loss=True,
        moe_router_load_balancing_type="none",
        moe_router_dtype="fp32" if settings.get("num_moe_experts") else None,
        # Fused kernels come with TransformerEngine or Apex, which a machine may not have.
        gradient_accumulation_fusion=False,
        masked_softmax_fusion=False,
        bias_activation_fusion=False,
        bias_dropout_fusion=False,
        apply_rope_fusion=False,
        persist_layer_norm=False,
    )


def build_chunks(architecture: Architecture, config: Any, layout: Layout) -> list[Any]:
    """Return the parts of the model that this process holds, in pipeline order, their weights not yet loaded."""
    from megatron.core import parallel_state
    from megatron.core.models.gpt import GPTModel

    chunks = []
    for part in range(layout.virtual_pipeline_parallel):
        stage = part if layout.virtual_pipeline_parallel > 1 else None
        chunk = GPTModel(
            config=config,
            transformer_layer_spec=_block(architecture, config, stage),
            vocab_size=architecture.padded_vocabulary,
            max_sequence_length=architecture.max_positions,
            pre_process=parallel_state.is_pipeline_first_stage(ignore_virtual=False, vp_stage=stage),
            post_process=parallel_state.is_pipeline_last_stage(ignore_virtual=False, vp_stage=stage),
            parallel_output=True,
            share_embeddings_and_output_weights=architecture.tied,
            position_embedding_type="rope",
            vp_stage=stage,
        )
        chunk.rotary_pos_emb.inv_freq = architecture.inverse_frequencies.clone()
        chunks.append(chunk)
    return chunks


def first_layer(config: Any, stage: int | None) -> int:
    """Return the number, in the whole model, of the first layer of a pipeline part of this process."""
    from megatron.core.transformer.transformer_layer import get_transformer_layer_offset

    return int(get_transformer_layer_offset(config, stage))


def _block(architecture: Architecture, config: Any, stage: int | None) -> Any:
    from megatron.core.transformer.transformer_block import TransformerBlockSubmodules, get_num_layers_to_build

    from tunewright.runners.megatron.norm import RMSNorm

    first = first_layer(config, stage)
    count = get_num_layers_to_build(config, stage)
    has_experts = bool(config.num_moe_experts)
    return TransformerBlockSubmodules(
        layer_specs=[
            _layer(config, experts=has_experts and first + index not in architecture.dense_layers)
            for index in range(count)
        ],
        layer_norm=RMSNorm,
    )


def _layer(config: Any, *, experts: bool) -> Any:
    """Return one layer: Megatron's own linear layers everywhere, so that weights and adapters have one form."""
    from megatron.core.fusions.fused_bias_dropout import get_bias_dropout_add
    from megatron.core.tensor_parallel.layers import ColumnParallelLinear, RowParallelLinear
    from megatron.core.transformer.attention import SelfAttention, SelfAttentionSubmodules
    from megatron.core.transformer.enums import AttnMaskType
    from megatron.core.transformer.identity_op import IdentityOp
    from megatron.core.transformer.mlp import MLP, MLPSubmodules
    from megatron.core.transformer.moe.experts import SequentialMLP
    from megatron.core.transformer.moe.moe_layer import MoELayer, MoESubmodules
    from megatron.core.transformer.spec_utils import ModuleSpec
    from megatron.core.transformer.transformer_layer import TransformerLayer, TransformerLayerSubmodules

    from tunewright.runners.megatron.norm import RMSNorm

    linears = MLPSubmodules(linear_fc1=ColumnParallelLinear, linear_fc2=RowParallelLinear)
    mixture = MoESubmodules(experts=ModuleSpec(module=SequentialMLP, submodules=linears))
    normed = RMSNorm if config.qk_layernorm else IdentityOp
    return ModuleSpec(
        module=TransformerLayer,
        submodules=TransformerLayerSubmodules(
            input_layernorm=RMSNorm,
            self_attention=ModuleSpec(
                module=SelfAttention,
                params={"attn_mask_type": AttnMaskType.causal},
                submodules=SelfAttentionSubmodules(
                    linear_qkv=ColumnParallelLinear,
                    core_attention=_attention(),
                    linear_proj=RowParallelLinear,
                    q_layernorm=normed,
                    k_layernorm=normed,
                ),
            ),
            self_attn_bda=get_bias_dropout_add,
            pre_mlp_layernorm=RMSNorm,
            mlp=ModuleSpec(module=MoELayer, submodules=mixture)
            if experts
            else ModuleSpec(module=MLP, submodules=linears),
            mlp_bda=get_bias_dropout_add,
        ),
    )


def _attention() -> Any:
    """Return TransformerEngine's attention where it is installed (it alone can divide a sequence), else Megatron's."""
    from importlib.util import find_spec

    if find_spec("transformer_engine") is not None:
        from megatron.core.extensions.transformer_engine import TEDotProductAttention

        return TEDotProductAttention
    from megatron.core.transformer.dot_product_attention import DotProductAttention

    return DotProductAttention


def _keep(weight: Any) -> Any:
    return weight
