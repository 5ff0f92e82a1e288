"""The one path from rows and model to a trainer, whatever the method."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tunewright.runners.contract import Input
from tunewright.runners.sdk import Reporter, StepFailedError
from tunewright.runners.training.arguments import shared_arguments
from tunewright.runners.training.data import needs_chat_template
from tunewright.runners.training.feeding import data_set, makes_tokens, nothing_left
from tunewright.runners.training.kernels.choose import use_kernels
from tunewright.runners.training.loading import TunedModel
from tunewright.runners.training.methods.method import Row, training_method
from tunewright.runners.training.oversight import Oversight, overseen
from tunewright.runners.training.replicated import make_copies_whole
from tunewright.runners.training.settings import TrainSettings
from tunewright.runners.training.tuners.tuner import training_tuner


def training_arguments(settings: TrainSettings, work: Path, *, evaluates: bool) -> Any:
    """Return the trainer's settings object; it must exist before the model loads, which ZeRO-3 divides at once."""
    os.environ["TRL_EXPERIMENTAL_SILENCE"] = "1"
    shared = shared_arguments(settings, work, evaluates=evaluates) | training_tuner(settings).arguments(settings)
    return training_method(settings.method).arguments(settings, shared)


def make_trainer(
    settings: TrainSettings,
    arguments: Any,
    tuned: TunedModel,
    rows: Any,
    held_out: Any,
    oversight: Oversight,
    inputs: Mapping[str, Input],
) -> Any:
    """Return the method's trainer over rows, or over data sets of tokens that were made ahead.

    `inputs` are the step's, among them the models that some methods need beside the one that learns. Raises
    StepFailedError when no row is left to learn from.
    """
    if isinstance(rows, list) and needs_chat_template(rows[0]) and not tuned.tokenizer.chat_template:
        raise StepFailedError(
            "the data are conversations and the base model's tokenizer has no chat template",
            reason="CHAT_TEMPLATE_MISSING",
            help="use an instruction-tuned base model, or data of format `text`",
        )
    if settings.device == "cpu":
        _score_only_what_is_learnt()
    oversight.report.phase("tokenising")
    method = training_method(settings.method)
    try:
        learned = _data_set(rows, tuned.tokenizer, settings, oversight.report)
        watched = _data_set(held_out, tuned.tokenizer, settings, None) if held_out else None
        trainer = overseen(method.trainer())(
            model=tuned.model,
            args=arguments,
            train_dataset=learned,
            eval_dataset=watched,
            processing_class=tuned.tokenizer,
            peft_config=tuned.peft_config,
            **method.extras(tuned, settings, inputs),
        )
    except StopIteration as error:
        raise nothing_left(settings) from error
    trainer.oversight = oversight
    if trainer.is_distributed_loading_by_transformers:
        make_copies_whole(trainer.model)
    use_kernels(trainer.model, settings)
    training_tuner(settings).ready(trainer, settings)
    if isinstance(rows, list) and not makes_tokens(rows, settings):
        _check_rows_left(trainer, rows, settings, oversight.report)
    return trainer


def _score_only_what_is_learnt() -> None:
    """Let TRL's fused head project only tokens that have a label, on a CPU too.

    TRL 1.16 does so on devices with Triton kernels; elsewhere it projects every token, for compilers that want fixed
    shapes. On a CPU that is a third of a step spent on prompts whose loss is then thrown away. The loss is the same.
    """
    from trl.trainer import utils

    if hasattr(utils, "_use_triton"):
        utils._use_triton = lambda _device: True


def _data_set(rows: Any, tokenizer: Any, settings: TrainSettings, report: Reporter | None) -> Any:
    return data_set(rows, tokenizer, settings, report) if isinstance(rows, list) else rows


def _check_rows_left(trainer: Any, rows: list[Row], settings: TrainSettings, report: Reporter) -> None:
    """Say what the trainer itself left out; of tokens that we made it was told before."""
    left = len(trainer.train_dataset)
    if left == 0:
        raise nothing_left(settings)
    if left < len(rows):
        report.emit(
            "warning",
            code="rows-dropped",
            message=f"{len(rows) - left} of {len(rows)} rows were left out: their prompt alone fills "
            f"`max_length` {settings.max_length}",
        )
