"""Generalised knowledge distillation (Agarwal et al. 2024), on replies of the model that learns."""

from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from tunewright.runners.contract import ExitCode, Input
from tunewright.runners.sdk import StepFailedError
from tunewright.runners.training.loading import TunedModel
from tunewright.runners.training.methods.generation import prompt_rows, prompts_that_fit
from tunewright.runners.training.methods.method import TrainingMethod
from tunewright.runners.training.precision import weights_precision
from tunewright.runners.training.settings import TrainSettings
from tunewright.runners.training.unsharded import whole_models
from tunewright.runners.vision import is_quantized, model_class


def _arguments(settings: TrainSettings, shared: dict[str, Any]) -> Any:
    from trl import DistillationConfig

    options = settings.options
    own = {key: value for key, value in shared.items() if key != "max_length"}
    return DistillationConfig(
        **own,
        beta=options["beta"],
        temperature=options["temperature"],
        max_completion_length=options["max_completion_length"],
    )


def _trainer() -> Any:
    from trl import DistillationTrainer

    return DistillationTrainer


def _extras(tuned: TunedModel, settings: TrainSettings, inputs: Mapping[str, Input]) -> dict[str, Any]:
    return {"teacher_model": _teacher(tuned, settings, inputs)}


def _teacher(tuned: TunedModel, settings: TrainSettings, inputs: Mapping[str, Input]) -> Any:
    import torch

    dtype = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}[weights_precision(settings)]
    folder, adapter = Path(inputs["teacher.model"].path), inputs.get("teacher.adapter")
    with whole_models() if adapter is not None else nullcontext():  # shards can't be merged; the trainer cuts it later
        teacher = model_class(folder).from_pretrained(
            folder, dtype=dtype, attn_implementation=settings.attention, use_safetensors=True
        )
        if adapter is not None:
            from peft import PeftModel

            adapted = PeftModel.from_pretrained(teacher, adapter.path)
            # Quantised weights can't take the adapter in: it stays beside them.
            teacher = adapted.get_base_model() if is_quantized(folder) else adapted.merge_and_unload()
    mine, its = tuned.model.config.get_text_config().vocab_size, teacher.config.get_text_config().vocab_size
    if mine != its:
        raise StepFailedError(
            f"the teacher knows {its} tokens and the model that learns {mine}: their words can't be compared",
            reason="VOCABULARY_MISMATCH",
            help="use a teacher of the same family",
            code=ExitCode.IMPOSSIBLE,
        )
    return teacher.requires_grad_(False).eval()


METHOD = TrainingMethod(
    arguments=_arguments, trainer=_trainer, rows=prompt_rows, encode=prompts_that_fit, extras=_extras
)
