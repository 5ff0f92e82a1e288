"""ms-swift's own words: names of older versions, defaults as they changed, and options that no step carries.

What changed when was read from the argument classes of its releases 2.0 to 4.6.
"""

from collections.abc import Mapping
from typing import Any

from tunewright.compiler.importers.vocabulary import COMMON_LEFT_OUT, COMMON_LOST, Vocabulary

Version = tuple[int, ...]
NEWEST: Version = (4, 6)

#: Older name to the name of 4.x.
RENAMES: Mapping[str, str] = {
    "sft_type": "tuner_type", "train_type": "tuner_type", "model_id_or_path": "model", "template_type": "template",
    "quantization_bit": "quant_bits", "bnb_4bit_comp_dtype": "bnb_4bit_compute_dtype", "dtype": "torch_dtype",
    "batch_size": "per_device_train_batch_size", "eval_batch_size": "per_device_eval_batch_size",
    "lora_target_modules": "target_modules", "lora_dropout_p": "lora_dropout", "lora_bias_trainable": "lora_bias",
    "lora_lr_ratio": "lorap_lr_ratio", "init_lora_weights": "init_weights", "additional_trainable_parameters": (
        "trainable_parameters"
    ),
    "add_output_dir_suffix": "add_version", "check_model_is_latest": "check_model", "dataset_test_ratio": (
        "split_dataset_ratio"
    ),
    "dataset_seed": "data_seed", "preprocess_num_proc": "dataset_num_proc", "streaming_buffer_size": (
        "shuffle_buffer_size"
    ),
    "ckpt_dir": "adapters", "custom_train_dataset_path": "dataset", "custom_val_dataset_path": "val_dataset",
    "merge_lora_and_save": "merge_lora", "ref_model_id_or_path": "ref_model", "use_liger": "use_liger_kernel",
    "gpu_memory_utilization": "vllm_gpu_memory_utilization", "tensor_parallel_size": "vllm_tensor_parallel_size",
    "max_model_len": "vllm_max_model_len", "tp": "lmdeploy_tp", "session_len": "lmdeploy_session_len",
    "attn_implementation": "attn_impl", "max_epochs": "num_train_epochs", "save": "output_dir", "save_interval": (
        "save_steps"
    ),
    "log_interval": "logging_steps", "eval_interval": "eval_steps", "optimizer": "optim",
}  # fmt: skip

#: Name to (first version, default) in the order of the versions; what is not here is the same in all of them.
_DRIFT: Mapping[str, tuple[tuple[Version, Any], ...]] = {
    "num_train_epochs": (((0,), 1.0), ((3, 0), 3.0)),
    "warmup_ratio": (((0,), 0.05), ((3, 0), 0.0)),
    "max_length": (((0,), 2048), ((3, 0), None)),
    "save_total_limit": (((0,), 2), ((3, 0), None)),
    "split_dataset_ratio": (((0,), 0.01), ((3, 6), 0.0)),
    "rpo_alpha": (((0,), 1.0), ((3, 8), None)),
}

#: Defaults that no version changed.
DEFAULTS: Mapping[str, Any] = {
    "tuner_type": "lora", "lora_rank": 8, "lora_alpha": 32.0, "lora_dropout": 0.05, "target_modules": ("all-linear",),
    "per_device_train_batch_size": 1, "lr_scheduler_type": "cosine", "weight_decay": 0.1, "max_grad_norm": 1.0,
    "optim": "adamw_torch_fused", "seed": 42, "gradient_checkpointing": True, "logging_steps": 5, "save_steps": 500,
    "beta": 0.1, "adam_beta2": 0.95,
    "packing": False,
}  # fmt: skip

#: Rows a step that the default of `gradient_accumulation_steps` aims at.
ROWS_A_STEP = 16
ADAPTER_RATE, FULL_RATE = 1e-4, 1e-5


def default_of(name: str, version: Version) -> Any:
    """Return the default of an option in a version; None where there is none."""
    value = DEFAULTS.get(name)
    for first, changed in _DRIFT.get(name, ()):
        if version >= first:
            value = changed
    return value


VOCABULARY = Vocabulary(
    title="ms-swift",
    left_out={
        **COMMON_LEFT_OUT,
        "signatures of who made the model, for its self-cognition data only": "model_author model_name",
        "found out from the model itself": "model_type template_backend model_kwargs",
        "how replies are printed": "stream verbose num_beams",
        "Megatron's own kernels and buffers compute the same": (
            "attention_backend recompute_* moe_grouped_gemm moe_permute_fusion moe_shared_expert_overlap "
            "gradient_accumulation_fusion masked_softmax_fusion bias_*fusion apply_rope_fusion overlap_* "
            "use_distributed_optimizer optimizer_cpu_offload optimizer_offload_fraction "
            "use_precision_aware_optimizer exp_avg_* main_grads_dtype main_params_dtype manual_gc* "
            "moe_token_dispatcher_type moe_enable_deepep accumulate_allreduce_* tp_comm_* align_* "
            "linear_decoupled_in_proj offload_bridge moe_layer_recompute batch_p2p_comm nccl_comm_warmup "
            "te_rng_tracker use_persistent_ckpt_worker bridge_backend megatron_extra_kwargs "
            "decoder_first_pipeline_num_layers decoder_last_pipeline_num_layers account_for_* "
            "pipeline_model_parallel_layout dist_ckpt_* distrib_optim_* fp8_param_gather "
            "load_safetensors to_mcore to_hf no_load_optim no_load_rng test_convert_* thread_count "
            "expert_tensor_parallel_size"
        ),
        "memory of the vision part only": "vit_gradient_checkpointing*",
        "a step starts with a fresh optimizer": "finetune",
        "which library holds the adapters": "tuner_backend",
        "adapters are kept beside their base; an `export` step merges": "merge_lora save_safetensors",
        "4-bit bases are computed in the precision of the step": "bnb_4bit_compute_dtype bnb_4bit_quant_storage",
        "kernels of the engine": "vllm_enforce_eager enforce_eager",
        "rows are always looked at": "check_dataset_strategy",
        "the daemon serves to this machine only unless `host` says otherwise": "owned_by max_logprobs",
    },
    lost={
        **COMMON_LOST,
        "which parts of a vision model learn can't be chosen": (
            "freeze_* aligner_lr vit_lr max_pixels vit_attn_impl norm_bbox language_model_only"
        ),
        "the model's own chat template is used": (
            "agent_template response_prefix enable_thinking preserve_thinking add_non_thinking_prefix "
            "use_chat_template disable_ignore_empty_think tools_prompt"
        ),
        "own code can't be carried": (
            "external_plugins custom_register_path custom_dataset_info callbacks eval_metric loss_type_plugin"
        ),
        "columns can't be renamed: rows need the columns of the format": (
            "columns remove_unused_columns strict disable_auto_column_mapping"
        ),
        "data that was prepared by ms-swift can't be read": "cached_dataset cached_val_dataset to_cached_dataset",
        "sets are mixed by `weight` without a rule when one is used up": (
            "stopping_strategy packing_length packing_strategy"
        ),
        "adapters have no bias and one number format": (
            "lora_bias lora_dtype target_regex target_parameters use_swift_lora"
        ),
        "rows for validation come from the training rows (`evaluation_share`); measure with an `evaluate` step": (
            "val_dataset val_dataset_shuffle eval_dataset eval_dataset_args eval_limit eval_use_evalscope "
            "eval_generation_config extra_eval_args val_dataset_sample"
        ),
        "experts are balanced as the model's own settings say": "moe_* router_aux_loss_coef",
        "8-bit arithmetic in training is not in the language": "fp8_* fp4_*",
        "prediction of several tokens is not in the language": "mtp_*",
        "the schedules have no such setting here": "lr_warmup_init lr_decay_iters",
        "belongs to a way of learning that is not on": "galore_* lisa_step_interval llamapro_num_groups",
        "the reference is the model before the step": (
            "ref_model ref_adapters reference_free sync_ref_model ref_model_*"
        ),
        "generation inside training is not in the language": (
            "max_new_tokens temperature top_k top_p repetition_penalty stop_words"
        ),
        "an option of an engine that `deploy` has no word for": (
            "vllm_* sglang_* lmdeploy_* ssl_* engine_kwargs limit_mm_per_prompt enforce_eager"
        ),
        "the optimizer's own settings have no words here": (
            "muon_* start_weight_decay end_weight_decay weight_decay_incr_style vit_lr"
        ),
        "the step learns from all tokens alike": (
            "enable_dft_loss enable_channel_loss is_binary_loss_scale loss_weights ld_alpha f_divergence_type"
        ),
        "calibration is as the engine does it": "quant_n_samples quant_batch_size hqq_axis",
        "4-bit bases are NF4 with double quantisation here": "bnb_4bit_*",
        "another loss of a plug-in can't be carried": "loss_type",
        "another split of the work has no words here": (
            "virtual_pipeline_model_parallel_size microbatch_group_size_per_vp_stage data_parallel_sharding_strategy"
        ),
        "evaluation is done by the daemon's own suites": ("eval_output_dir eval_num_proc eval_url local_dataset"),
    },
    refused={
        "which of all weights learn can't be chosen": "unfrozen_parameters trainable_parameters* freeze_parameters*",
        "another way of learning, which the language has no word for": (
            "use_galore lisa_activated_layers llamapro_num_new_blocks adalora_* boft_* vera_* fourier_* reft_* "
            "adapter_act adapter_length"
        ),
    },
    carried=(
        "model dataset tuner_type modules_to_save torch_dtype lora_rank lora_alpha lora_dropout target_modules "
        "learning_rate num_train_epochs max_steps per_device_train_batch_size gradient_accumulation_steps max_length "
        "packing attn_impl system deepspeed fsdp warmup_ratio lr_scheduler_type weight_decay max_grad_norm optim seed "
        "logging_steps save_steps save_total_limit split_dataset_ratio loss_scale quant_bits quant_method "
        "rlhf_type beta loss_type use_dora use_rslora use_hf adapters merge_lora infer_backend port host "
        "served_model_name micro_batch_size global_batch_size tensor_model_parallel_size "
        "pipeline_model_parallel_size context_parallel_size expert_model_parallel_size sequence_parallel "
        "sequence_parallel_size lr lr_warmup_fraction gradient_checkpointing bf16 fp16 model_revision "
        "truncation_strategy template resume_from_checkpoint group_size task_type api_key hub_token interleave_prob"
    ),
)
