"""What happens to options that no step carries: tables of names and reasons, one for each framework."""

from collections.abc import Iterable, Mapping
from dataclasses import field
from fnmatch import fnmatchcase

from tunewright.compiler.importers.draft import Drafting
from tunewright.compiler.importers.options import Option, Options, as_flag, as_number
from tunewright.spec.record import record
from tunewright.spec.suggest import nearest

#: Reason to names; a name may end with `*`.
Reasons = Mapping[str, str]


@record(kw_only=True)
class Vocabulary:
    """The rest of a framework's options.

    `left_out`: nothing is lost. `lost`: the spec means something else. `refused`: where it is on, no spec means the
    same. `carried`: names that steps read, for suggestions.
    """

    title: str
    left_out: Reasons
    lost: Reasons
    refused: Reasons
    carried: str
    _names: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def report(self, options: Options) -> None:
        """Say of every option that nobody took, or that decided nothing, what becomes of it."""
        for name, option in options.rest():
            self._report(name, option, options.drafting)
        for option in options.silent():
            options.drafting.leave(option.origin, "decides nothing beside the other options, or says what holds anyway")

    def _report(self, name: str, option: Option, drafting: Drafting) -> None:
        if reason := _reason(self.left_out, name):
            drafting.leave(option.origin, reason)
        elif (reason := _reason(self.refused, name)) and not is_off(option):
            drafting.refuse(option.origin, reason)
        elif reason := _reason(self.lost, name):
            if is_off(option):
                drafting.leave(option.origin, "is off, as it is here")
            else:
                drafting.lose(option.origin, reason)
        elif _reason(self.refused, name):
            drafting.leave(option.origin, "is off, as it is here")
        else:
            near = nearest(name, self._known())
            hint = f"; did you mean `{near}`?" if near else ""
            drafting.lose(option.origin, f"is no option of {self.title} that is known here{hint}")

    def _known(self) -> Iterable[str]:
        if not self._names:
            tables = (self.left_out, self.lost, self.refused)
            words = [word for table in tables for names in table.values() for word in names.split()]
            self._names["all"] = tuple(word for word in [*self.carried.split(), *words] if "*" not in word)
        return self._names["all"]


def is_off(option: Option) -> bool:
    """Say whether an option is written as what it is when nobody writes it: false, none, zero."""
    return as_flag(option.value) is False or as_number(option.value) == 0


def _reason(table: Reasons, name: str) -> str | None:
    for reason, names in table.items():
        for pattern in names.split():
            if pattern == name or ("*" in pattern and fnmatchcase(name, pattern)):
                return reason
    return None


#: The same in every framework, most of it from transformers' own arguments.
COMMON_LEFT_OUT: Reasons = {
    "figures and logs are kept with the run": (
        "report_to run_name logging_dir logging_first_step logging_strategy log_* logging_nan_inf_filter "
        "plot_loss use_wandb wandb_* swanlab_* use_swanlab mlflow_* use_mlflow comet_* use_comet trackio_* "
        "use_trackio tensorboard_* use_tensorboard include_num_input_tokens_seen include_tokens_per_second "
        "include_tkps disable_tqdm skip_memory_metrics project"
    ),
    "every result has a folder of its own, named by its digest": (
        "output_dir overwrite_output_dir add_version create_checkpoint_symlink overwrite_cache save_dir exist_ok "
        "logging_dir result_path"
    ),
    "rows are fetched before training starts, and are the same": "streaming buffer_size shuffle_buffer_size",
    "only how fast rows are read": (
        "dataloader_* dataset_num_proc preprocessing_num_workers preprocessing_batch_size num_workers "
        "preprocess_num_proc load_from_cache_file lazy_tokenize dataset_processes dataset_prepared_path "
        "dataset_keep_in_memory packing_num_proc streaming_multipack_buffer_size data_shared_file_system "
        "tokenized_path cache_dir download_mode dataset_num_workers write_batch_size"
    ),
    "checkpoints and measurements on the way do not change what is learned": (
        "save_strategy saves_per_epoch save_only_model save_safetensors safe_serialization save_on_each_node "
        "eval_strategy evaluation_strategy eval_steps evals_per_epoch eval_on_start eval_delay "
        "eval_accumulation_steps per_device_eval_batch_size eval_batch_size eval_sample_packing do_eval do_train "
        "do_predict no_save_optim no_save_rng async_save save_first_step eval_table_size eval_max_new_tokens "
        "predict_with_generate use_logits_to_keep eval_iters eval_interval label_names prediction_loss_only "
        "bf16_full_eval include_for_metrics batch_eval_metrics max_shard_size export_size export_legacy_format "
        "auto_resume_from_checkpoints compute_accuracy metric_for_best_model greater_is_better"
    ),
    "kernels that compute the same": (
        "use_liger* enable_liger_kernel liger_* torch_compile* use_unsloth* use_kernels tf32 use_reentrant* "
        "gradient_checkpointing_kwargs lora_mlp_kernel lora_qkv_kernel lora_o_kernel lora_embedding_kernel "
        "fused_attn_kernel cut_cross_entropy chunked_cross_entropy* flash_attn_cross_entropy flash_attn_rms_norm "
        "flash_attn_fuse_* cross_entropy_loss_fusion cross_entropy_fusion_impl tiled_mlp* pad_to_sequence_len "
        "pad_to_multiple_of padding_free group_by_length padding_side torch_empty_cache_steps low_cpu_mem_usage "
        "gc_steps gc_collect_steps deepcompile torchdynamo unsloth_* use_v1_kernels experts_impl* use_scattermoe "
        "use_sonicmoe"
    ),
    "how processes talk to each other does not change what is learned": (
        "ddp ddp_* use_ray ray_* local_rank device_map max_memory full_determinism accelerator_config device use_cpu "
        "world_size no_cuda use_mps_device parallelism_config gpu_memory_limit deepspeed_autotp_size "
        "zero_hpz_partition_size"
    ),
    "the daemon goes on from the last checkpoint by itself": "ignore_data_skip load_args load_data_args",
    "a check of the installation only": (
        "check_model disable_version_check print_param_status enable_npu_model_patch ignore_args_error debug"
    ),
}

COMMON_LOST: Reasons = {
    "the language has no such settings of the optimizer": (
        "adam_* optim_args optim_target_modules embedding_lr embedding_lr_scale lr_groups"
    ),
    "the language has no such settings of the schedule": (
        "lr_scheduler_kwargs cosine_constant_lr_ratio min_lr lr_div_factor"
    ),
    "the language has no separate rate for the B matrices": "loraplus_* lorap_*",
    "the language has no other start of the adapters": "init_weights pissa_* lora_ga_* loftq* peft_init_lora_weights",
    "publishing to a hub is not a step here": (
        "push_to_hub* hub_* commit_message push_dataset_to_hub export_hub_model_id"
    ),
    "the best checkpoint is not chosen here: the last one is the result": (
        "load_best_model_at_end early_stop* early_stopping_patience"
    ),
    "the language has no label smoothing": "label_smoothing* dpo_label_smoothing",
    "rows are shuffled with the step's seed": (
        "data_seed dataset_shuffle train_dataloader_shuffle disable_shuffling shuffle_*"
    ),
    "the model's context stays as it is": "rope_scaling max_model_len model_max_length rope_theta",
    "the tokenizer stays as it is": (
        "new_special_tokens* add_tokens add_special_tokens resize_vocab tokens added_tokens_overrides "
        "resize_token_embeddings_to_32x tokenizer_* split_special_tokens use_fast_tokenizer init_special_tokens"
    ),
    "only DPO has a supervised term here": "rpo_alpha pref_ftx pref_bco_weight sft_alpha cpo_alpha",
    "only KTO weighs good and bad replies": (
        "desirable_weight undesirable_weight kto_chosen_weight kto_rejected_weight kto_desirable_weight "
        "kto_undesirable_weight"
    ),
}
