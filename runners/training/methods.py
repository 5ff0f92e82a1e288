"""Each training method with TRL's trainer for it."""

import os
from pathlib import Path
from typing import Any

from tunewright.runners.sdk import Reporter, StepFailedError
from tunewright.runners.training.data import Row, needs_chat_template
from tunewright.runners.training.oversight import Oversight, overseen
from tunewright.runners.training.settings import TrainSettings
from tunewright.runners.training.tuners import TunedModel, uses_autocast

DEEPSPEED_FILE = "deepspeed.json"


def training_arguments(settings: TrainSettings, work: Path, *, evaluates: bool) -> Any:
    """Return the trainer's settings object; it must exist before the model loads, which ZeRO-3 divides at once."""
    match settings.method:
        case "sft":
            from trl import SFTConfig

            return SFTConfig(
                **_shared(settings, work, evaluates=evaluates),
                packing=settings.packing,
                completion_only_loss=settings.loss_on == "completion",
            )
        case "dpo":
            from trl import DPOConfig

            kind = {"loss_type": [settings.loss_type]} if settings.loss_type else {}
            return DPOConfig(**_shared(settings, work, evaluates=evaluates), **_beta(settings), **kind)
        case "kto":
            from trl import KTOConfig

            return KTOConfig(**_shared(settings, work, evaluates=evaluates), **_beta(settings))
        case _:
            os.environ["TRL_EXPERIMENTAL_SILENCE"] = "1"
            from trl.experimental.orpo import ORPOConfig

            return ORPOConfig(
                **_shared(settings, work, evaluates=evaluates), **_beta(settings), remove_unused_columns=False
            )


def _score_only_what_is_learnt() -> None:
    """Let TRL's fused head project only tokens that have a label, on a CPU too.

    TRL 1.16 does so on devices with Triton kernels; elsewhere it projects every token, for compilers that want fixed
    shapes. On a CPU that is a third of a step spent on prompts whose loss is then thrown away. The loss is the same.
    """
    from trl.trainer import utils

    if hasattr(utils, "_use_triton"):
        utils._use_triton = lambda _device: True


def make_trainer(
    settings: TrainSettings,
    arguments: Any,
    tuned: TunedModel,
    rows: list[Row],
    held_out: list[Row],
    oversight: Oversight,
) -> Any:
    """Return the method's trainer over tokenised rows; raise StepFailedError when no row is left to learn from."""
    if needs_chat_template(rows) and not tuned.tokenizer.chat_template:
        raise StepFailedError(
            "the data are conversations and the base model's tokenizer has no chat template",
            reason="CHAT_TEMPLATE_MISSING",
            help="use an instruction-tuned base model, or data of format `text`",
        )
    if settings.device == "cpu":
        _score_only_what_is_learnt()
    oversight.report.phase("tokenising")
    trainer_class = overseen(_trainer_class(settings.method))
    named: dict[str, Any] = {"ref_model": tuned.reference} if settings.method in ("dpo", "kto") else {}
    try:
        trainer = trainer_class(
            model=tuned.model,
            args=arguments,
            train_dataset=_data_set(rows),
            eval_dataset=_data_set(held_out) if held_out else None,
            processing_class=tuned.tokenizer,
            peft_config=tuned.peft_config,
            **named,
        )
    except StopIteration as error:
        raise _nothing_left(settings) from error
    trainer.oversight = oversight
    _check_rows_left(trainer, rows, settings, oversight.report)
    return trainer


def _trainer_class(method: str) -> type[Any]:
    import trl

    match method:
        case "sft":
            found: type[Any] = trl.SFTTrainer
        case "dpo":
            found = trl.DPOTrainer
        case "kto":
            found = trl.KTOTrainer
        case _:
            from trl.experimental.orpo import ORPOTrainer

            found = ORPOTrainer
    return found


def _shared(settings: TrainSettings, work: Path, *, evaluates: bool) -> dict[str, Any]:
    """Return what all of TRL's configurations understand; no library default is left to change what is learnt."""
    autocast = uses_autocast(settings)
    return {
        "output_dir": str(work / "checkpoints"),
        "learning_rate": settings.learning_rate,
        "lr_scheduler_type": settings.lr_scheduler_type,
        "warmup_steps": settings.warmup_ratio,  # below 1 it is a share of all steps
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
        "seed": settings.seed,
        "data_seed": settings.seed,
        "bf16": autocast and settings.precision == "bf16",
        "fp16": autocast and settings.precision == "fp16",
        "logging_steps": settings.logging_steps,
        "logging_first_step": True,
        "logging_nan_inf_filter": False,  # it would hide the NaN that must stop the step
        "eval_strategy": "epoch" if evaluates else "no",
        "report_to": "none",
        "disable_tqdm": True,
        "use_cpu": settings.device == "cpu",  # without it two gloo processes train unsynchronised, silently
        "dataloader_pin_memory": settings.device == "cuda",
        **_saving(settings),
        **_dividing(settings, work),
    }


def _saving(settings: TrainSettings) -> dict[str, Any]:
    if settings.save_steps is None or not can_resume(settings):
        return {"save_strategy": "no"}
    return {"save_strategy": "steps", "save_steps": settings.save_steps}


def can_resume(settings: TrainSettings) -> bool:
    """Say whether this way of dividing the work can save and load the optimizer's state."""
    return not (settings.parallelism.strategy == "fsdp2" and settings.device == "cpu")


def _dividing(settings: TrainSettings, work: Path) -> dict[str, Any]:
    parallelism = settings.parallelism
    if parallelism.uses_deepspeed:
        return {"deepspeed": str(work / DEEPSPEED_FILE)}
    if parallelism.strategy == "fsdp2" and settings.device == "cuda":
        offload = "cpu" in (parallelism.offload_optimizer, parallelism.offload_parameters)
        return {"fsdp": True, "fsdp_config": {"version": 2, "reshard_after_forward": True, "cpu_offload": offload}}
    if settings.device == "cpu" and parallelism.strategy != "single":
        return {"ddp_backend": "gloo"}
    return {}


def _beta(settings: TrainSettings) -> dict[str, Any]:
    return {} if settings.beta is None else {"beta": settings.beta}


def _data_set(rows: list[Row]) -> Any:
    from datasets import Dataset

    return Dataset.from_list(rows)


def _check_rows_left(trainer: Any, rows: list[Row], settings: TrainSettings, report: Reporter) -> None:
    left = len(trainer.train_dataset)
    if left == 0:
        raise _nothing_left(settings)
    if settings.packing:
        return
    if left < len(rows):
        report.emit(
            "warning",
            code="rows-dropped",
            message=f"{len(rows) - left} of {len(rows)} rows were left out: their prompt alone fills "
            f"`max_length` {settings.max_length}",
        )
    lengths = (
        (len(row["input_ids"]) for row in trainer.train_dataset)
        if "input_ids" in trainer.train_dataset.column_names
        else ()
    )
    if cut := sum(length >= settings.max_length for length in lengths):
        report.emit(
            "warning",
            code="rows-cut",
            message=f"{cut} rows reach `max_length` {settings.max_length}; what is beyond was cut off",
        )


def _nothing_left(settings: TrainSettings) -> StepFailedError:
    return StepFailedError(
        f"no row is left to learn from: every prompt alone fills `max_length` {settings.max_length}",
        reason="ROWS_TOO_LONG",
        help="raise `max_length`, or shorten the rows",
    )
