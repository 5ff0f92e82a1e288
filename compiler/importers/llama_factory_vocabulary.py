"""LLaMA-Factory's own words: its defaults, and options that no step carries."""

from collections.abc import Mapping
from typing import Any

from tunewright.compiler.importers.vocabulary import COMMON_LEFT_OUT, COMMON_LOST, Vocabulary

DEFAULTS: Mapping[str, Any] = {
    "stage": "sft", "finetuning_type": "lora", "lora_rank": 8, "lora_dropout": 0.0, "lora_target": ("all-linear",),
    "cutoff_len": 2048,
    "per_device_train_batch_size": 8, "gradient_accumulation_steps": 1, "learning_rate": 5e-5, "lr_scheduler_type": (
        "linear"
    ),
    "warmup_ratio": 0.0, "num_train_epochs": 3.0, "weight_decay": 0.0, "max_grad_norm": 1.0,
    "optim": "adamw_torch_fused", "seed": 42,
    "logging_steps": 500, "save_steps": 500, "pref_beta": 0.1, "pref_loss": "sigmoid", "infer_backend": "huggingface",
    "vllm_maxlen": 4096, "vllm_gpu_util": 0.7, "dataset_dir": "data",
    "galore_rank": 16, "galore_update_interval": 200, "galore_scale": 2.0, "pissa_iter": 16, "oft_block_size": 32,
    "oft_target": ("all-linear",), "module_dropout": 0.0, "freeze_trainable_layers": 2, "simpo_gamma": 0.5,
    "ppo_epochs": 4, "ppo_beta": 0.2, "ppo_max_new_tokens": 1024, "ppo_temperature": 0.95,
}  # fmt: skip

ALPHA_PER_RANK = 2

VOCABULARY = Vocabulary(
    title="LLaMA-Factory",
    left_out={
        **COMMON_LEFT_OUT,
        "Megatron's own kernels and buffers compute the same": (
            "bias_activation_fusion apply_rope_fusion overlap_* use_distributed_optimizer masked_softmax_fusion "
            "recompute_* moe_grouped_gemm moe_token_dispatcher_type account_for_* use_packed_sequences "
            "export_hf_on_finish calculate_per_token_loss"
        ),
        "belongs to a way of learning that is not on": (
            "galore_* oft_* freeze_trainable_layers freeze_trainable_modules freeze_extra_modules module_dropout "
            "pissa_iter pissa_convert simpo_gamma reward_model_type loraplus_lr_embedding"
        ),
        "rows name no videos here, and need none": "video_*",
        "where an export is computed": "export_device offload_folder export_model_type",
        "found out from the model itself": "use_kv_cache infer_dtype compute_dtype print_config init_config",
        "kernels of the engine": "vllm_enforce_eager",
        "padding is never learned from": "ignore_pad_token_for_loss",
        "which tools and folders the command itself uses": "adapter_folder media_dir trust_repo hf_token_path",
        "every run is told to the daemon, to nobody else": "master_addr master_port",
    },
    lost={
        **COMMON_LOST,
        "images are read as the model's own processor does it": "image_* audio_* use_audio_in_video crop_to_patches",
        "which parts of a vision model learn can't be chosen": (
            "freeze_vision_tower freeze_multi_modal_projector freeze_language_model"
        ),
        "the model's own chat template is used": "enable_thinking preserve_thinking tool_format reasoning_effort",
        "rows for validation come from the training rows (`evaluation_share`); measure with an `evaluate` step": (
            "eval_dataset eval_on_each_dataset"
        ),
        "number formats inside the model stay as they are": "upcast_layernorm upcast_lmhead_output",
        "the reference is the model before the step": "ref_model ref_model_* create_new_adapter",
        "generation inside training is not in the language": (
            "max_new_tokens temperature top_k top_p do_sample num_beams repetition_penalty length_penalty "
            "max_length skip_special_tokens generation_*"
        ),
        "4-bit bases are NF4 with double quantisation here": (
            "quantization_type double_quantization quantization_device_map"
        ),
        "calibration is as the engine does it": "export_quantization_nsamples export_quantization_maxlen",
        "8-bit arithmetic in training is not in the language": "fp8*",
        "an option of an engine that `deploy` has no word for": "vllm_* sglang_*",
        "rows are learned from in full, each token alike": (
            "use_dft_loss use_asft_loss asft_alpha use_eaft_loss eaft_alpha ld_alpha"
        ),
        "experts are balanced as the model's own settings say": "moe_aux_loss_coef",
        "KTransformers is no engine here": "use_kt kt_*",
        "another split of the work has no words here": (
            "virtual_pipeline_model_parallel_size use_hyper_parallel hyper_parallel_* block_diag_attn"
        ),
        "a measurement of few examples is another evaluation": "n_shot task task_dir lang",
    },
    refused={
        "which of all weights learn can't be chosen": "unfrozen_parameters trainable_parameters* freeze_parameters*",
        "another way of learning, which the language has no word for": (
            "use_apollo apollo_* use_badam badam_* use_llama_pro mixture_of_depths use_muon use_adam_mini"
        ),
        "is not in the language together with this kind of learning": (
            "use_galore shift_attn pissa_init loraplus_lr_ratio"
        ),
        "PPO is as its own paper has it here": "ppo_score_norm ppo_whiten_rewards ppo_buffer_size ppo_target",
        "a reward model is for PPO": "reward_model",
        "weights from nothing are not trained here": "train_from_scratch",
    },
    carried=(
        "model_name_or_path adapter_name_or_path trust_remote_code stage finetuning_type dataset dataset_dir "
        "template cutoff_len max_samples lora_rank lora_alpha lora_dropout lora_target additional_target use_dora "
        "use_rslora quantization_bit quantization_method learning_rate lr_scheduler_type warmup_ratio warmup_steps "
        "num_train_epochs max_steps per_device_train_batch_size gradient_accumulation_steps packing neat_packing "
        "train_on_prompt mask_history bf16 fp16 pure_bf16 deepspeed fsdp fsdp_config flash_attn "
        "disable_gradient_checkpointing val_size default_system pref_beta pref_loss weight_decay max_grad_norm "
        "optim seed logging_steps save_steps save_total_limit resume_from_checkpoint export_dir "
        "export_quantization_bit export_quantization_dataset infer_backend interleave_probs model_revision "
        "use_mca tensor_model_parallel_size pipeline_model_parallel_size"
    ),
)
