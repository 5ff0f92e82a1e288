"""The settings that all trainers understand; no library default is left to change what is learnt."""

import json
from pathlib import Path
from typing import Any

from tunewright.runners.training.precision import uses_autocast
from tunewright.runners.training.settings import TrainSettings

DEEPSPEED_FILE = "deepspeed.json"
#: `fsdp_config` of transformers and `parallelism_config` of accelerate, where the plan has them.
ACCELERATE_FILE = "accelerate.json"


def shared_arguments(settings: TrainSettings, work: Path, *, evaluates: bool) -> dict[str, Any]:
    """Return the keyword arguments that every trainer's settings object takes."""
    autocast = uses_autocast(settings)
    return {
        "output_dir": str(work / "checkpoints"),
        "learning_rate": settings.learning_rate,
        "lr_scheduler_type": settings.lr_scheduler_type,
        "lr_scheduler_kwargs": _schedule(settings),
        "warmup_steps": settings.warmup_steps or settings.warmup_ratio,  # below 1 it is a share of all steps
        "num_train_epochs": settings.num_train_epochs,
        "max_steps": settings.max_steps if settings.max_steps is not None else -1,
        "per_device_train_batch_size": settings.per_device_train_batch_size,
        "per_device_eval_batch_size": settings.per_device_train_batch_size,
        "gradient_accumulation_steps": settings.gradient_accumulation_steps,
        "gradient_checkpointing": settings.gradient_checkpointing,
        "max_length": settings.max_length,
        "weight_decay": settings.weight_decay,
        "max_grad_norm": settings.max_grad_norm,
        "optim": settings.optim,
        "adam_beta1": settings.adam_beta1,
        "adam_beta2": settings.adam_beta2,
        "adam_epsilon": settings.adam_epsilon,
        "neftune_noise_alpha": settings.neftune_noise_alpha,
        "seed": settings.seed,
        "data_seed": settings.seed,
        "bf16": autocast and settings.precision == "bf16",
        "fp16": autocast and settings.precision == "fp16",
        "train_sampling_strategy": settings.train_sampling_strategy,
        "logging_steps": settings.logging_steps,
        "logging_first_step": True,
        "logging_nan_inf_filter": False,  # it would hide the NaN that must stop the step
        "eval_strategy": "epoch" if evaluates else "no",
        "report_to": "none",
        "disable_tqdm": True,
        "use_cpu": settings.device == "cpu",  # without it two gloo processes train unsynchronised, silently
        "use_liger_kernel": settings.kernels == "liger",
        "dataloader_pin_memory": settings.device == "cuda",
        **_saving(settings),
        **_dividing(settings, work),
    }


def _schedule(settings: TrainSettings) -> dict[str, Any]:
    return {"min_lr_rate": settings.min_lr_rate} if settings.min_lr_rate is not None else {}


def _saving(settings: TrainSettings) -> dict[str, Any]:
    if settings.save_steps is None:
        return {"save_strategy": "no"}
    # transformers refuses to keep the optimizer of a model that is sharded while it loads; we do it (sharded.py).
    ours = settings.parallelism.strategy == "fsdp2" and settings.device == "cpu"
    return {"save_strategy": "steps", "save_steps": settings.save_steps, "save_only_model": ours}


def _dividing(settings: TrainSettings, work: Path) -> dict[str, Any]:
    parallelism = settings.parallelism
    if parallelism.uses_deepspeed:
        return {"deepspeed": str(work / DEEPSPEED_FILE), **_groups(work / ACCELERATE_FILE)}
    if parallelism.strategy == "fsdp2" and settings.device == "cuda":
        return {"fsdp": True, **_groups(work / ACCELERATE_FILE)}
    if settings.device == "cpu" and parallelism.strategy != "single":
        return {"ddp_backend": "gloo"}
    return {}


def _groups(path: Path) -> dict[str, Any]:
    """Return what the plan says of the groups of processes, in the libraries' own classes."""
    if not path.is_file():
        return {}
    from accelerate.parallelism_config import ParallelismConfig
    from accelerate.utils import DeepSpeedSequenceParallelConfig

    found = json.loads(path.read_text(encoding="utf-8"))
    if (groups := found.get("parallelism_config")) is not None:
        if (handler := groups.get("sp_handler")) is not None:
            groups["sp_handler"] = DeepSpeedSequenceParallelConfig(**handler)
        found["parallelism_config"] = ParallelismConfig(**groups)
    return dict(found)
