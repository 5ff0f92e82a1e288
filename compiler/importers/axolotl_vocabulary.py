"""Axolotl's own words: its defaults, and options that no step carries."""

from collections.abc import Mapping
from typing import Any

from tunewright.compiler.importers.vocabulary import COMMON_LEFT_OUT, COMMON_LOST, Vocabulary

#: `warmup_ratio`: Axolotl warms up for 3 % of the steps (at most 100) when nothing is written.
DEFAULTS: Mapping[str, Any] = {
    "sequence_len": 512, "micro_batch_size": 1, "gradient_accumulation_steps": 1, "num_epochs": 1.0, "lr_scheduler": (
        "cosine"
    ),
    "optimizer": "adamw_torch_fused", "weight_decay": 0.0, "warmup_ratio": 0.03, "max_grad_norm": 1.0,
    "lora_dropout": 0.0,
    "gradient_checkpointing": False, "seed": 42, "bf16": "auto", "val_set_size": 0.0, "learning_rate": 2e-4,
    "beta": 0.1, "orpo_alpha": 0.1,
}  # fmt: skip

#: Plugins that only bring kernels.
HARMLESS_PLUGINS = ("LigerPlugin", "CutCrossEntropyPlugin", "KernelsPlugin")

#: Special tokens that are the model's own anyway.
OWN_TOKENS = frozenset(
    {"<s>", "</s>", "<unk>", "<pad>", "<|endoftext|>", "<|end_of_text|>", "<|begin_of_text|>", "<|startoftext|>"}
)

VOCABULARY = Vocabulary(
    title="Axolotl",
    left_out={
        **COMMON_LEFT_OUT,
        "found out from the model itself": (
            "model_type tokenizer_type base_model_config is_llama_derived_model is_mistral_derived_model "
            "is_falcon_derived_model is_qwen_derived_model type_of_model processor_type tokenizer_config "
            "cls_model_config gptq gptq_model_v1 gptq_groupsize gptq_disable_exllama model_quantization_config "
            "model_quantization_config_kwargs tokenizer_use_fast tokenizer_legacy"
        ),
        "a wider table for kernels' sake, which no token uses": "resize_token_embeddings_to_32x",
        "a watch over the loss: the run's figures are watched by the daemon": "loss_watchdog_*",
        "settings of Axolotl's own preparation": (
            "skip_prepare_dataset remove_unused_columns experimental_skip_move_to_device sample_packing_eff_est "
            "sample_packing_* max_packed_sequence_len total_num_tokens total_supervised_tokens dataset_shard_* "
            "torchdistx_path lora_fan_in_fan_out lora_on_cpu strict eot_tokens_dummy shuffle_merged_datasets"
        ),
        "the adapter in memory, however it is computed": "peft_autocast_adapter_dtype quantize_moe_experts",
        "how the work is spread does not change what is learned": (
            "dp_shard_size dp_replicate_size "
            "ring_attn_func heads_k_stride fsdp_final_state_dict_type activation_offloading expert_parallel_*"
        ),
        "generation of samples on the way is only shown": "generate_samples num_generation_samples generation_*",
        "computed as the model says": (
            "experts_implementation flex_attn_compile_kwargs gemma4_hybrid_attn_impl llama4_linearized_experts"
        ),
    },
    lost={
        **COMMON_LOST,
        "rows for validation come from the training rows (`evaluation_share`); measure with an `evaluate` step": (
            "test_datasets do_bench_eval bench_* do_causal_lm_eval eval_causal_lm_metrics lm_eval_*"
        ),
        "the model's own chat template is used": (
            "chat_template_jinja chat_template_kwargs default_system_message_role"
        ),
        "equal rows are not taken out here": "dataset_exact_deduplication",
        "short rows are kept": "min_sample_len",
        "which turns are learned from can't be chosen": "roles_to_train train_on_eos train_on_eot",
        "layers for adapters are named by their last word": (
            "lora_target_parameters peft_layers_* lora_rank_pattern lora_alpha_pattern"
        ),
        "own code can't be carried": "trainer_cls datasets_plugins cls_model",
        "8-bit arithmetic in training is not in the language": "fp8*",
        "images are not read": "image_* freeze_mm_modules processor_kwargs",
        "the model's settings stay as they are": "overrides_of_model_* model_config pose_* use_pose",
        "experts are balanced as the model's own settings say": "output_router_logits",
        "the step learns from all tokens alike": ("use_eaft eaft_*  dpo_use_weighting dpo_norm_loss ipo_*"),
        "running in somebody's cloud is not in the spec": "cloud*",
        "an option of an engine that `deploy` has no word for": "vllm",
        "4-bit bases are NF4 with double quantisation here": "bnb_config_kwargs bnb_4bit_*",
        "pairs are compared as DPO does": "dpo_* precompute_ref_log_probs reference_model",
        "the order of the rows is the seed's": "curriculum_sampling shuffle_before_merging_datasets",
    },
    refused={
        "which of all weights learn can't be chosen": "unfrozen_parameters trainable_parameters* freeze_parameters*",
        "another way of learning, which the language has no word for": (
            "relora* qat ebft diffusion noise_schedule kd_trainer kd_alpha use_mora spectrum_* "
            "reinit_weights llmcompressor use_onebitllms layer_offloading"
        ),
        "a model that scores steps is not trained here": "process_reward_model",
        "a model that sorts texts is not trained here": "num_labels",
        "is not in the language together with this kind of learning": "s2_attention reward_model lisa_*",
        "rewards of generated replies are for GRPO": "trl reward_funcs nemo_gym_enabled",
    },
    carried=(
        "base_model trust_remote_code revision_of_model adapter lora_r lora_alpha lora_dropout "
        "lora_target_modules lora_modules_to_save lora_target_linear lora_model_dir peft_use_dora peft_use_rslora "
        "load_in_4bit load_in_8bit datasets pretraining_dataset type path sequence_len sample_packing micro_batch_size "
        "gradient_accumulation_steps batch_size num_epochs max_steps optimizer lr_scheduler learning_rate "
        "warmup_ratio warmup_steps weight_decay max_grad_norm bf16 fp16 tf32 gradient_checkpointing "
        "flash_attention sdp_attention attn_implementation val_set_size train_on_inputs deepspeed fsdp "
        "fsdp_config fsdp_version rl rl_beta orpo_alpha chat_template default_system_message logging_steps "
        "save_steps save_total_limit seed special_tokens plugins resume_from_checkpoint output_dir"
    ),
)
