"""The one path from rows and model to a trainer, whatever the method."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tunewright.runners.contract import Input
from tunewright.runners.sdk import Reporter, StepFailedError
from tunewright.runners.training.arguments import shared_arguments
from tunewright.runners.training.data import needs_chat_template
from tunewright.runners.training.kernels.choose import use_kernels
from tunewright.runners.training.loading import TunedModel
from tunewright.runners.training.methods.method import Row, training_method
from tunewright.runners.training.oversight import Oversight, overseen
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
    rows: list[Row],
    held_out: list[Row],
    oversight: Oversight,
    inputs: Mapping[str, Input],
) -> Any:
    """Return the method's trainer over tokenised rows; raise StepFailedError when no row is left to learn from.

    `inputs` are the step's, among them the models that some methods need beside the one that learns.
    """
    if needs_chat_template(rows) and not tuned.tokenizer.chat_template:
        raise StepFailedError(
            "the data are conversations and the base model's tokenizer has no chat template",
            reason="CHAT_TEMPLATE_MISSING",
            help="use an instruction-tuned base model, or data of format `text`",
        )
    if settings.device == "cpu":
        _score_only_what_is_learnt()
    oversight.report.phase("tokenising")
    method = training_method(settings.method)
    fitting, held_out = (method.encode(part, tuned.tokenizer, settings) if part else [] for part in (rows, held_out))
    if not fitting:
        raise _nothing_left(settings)
    try:
        trainer = overseen(method.trainer())(
            model=tuned.model,
            args=arguments,
            train_dataset=_data_set(fitting),
            eval_dataset=_data_set(held_out) if held_out else None,
            processing_class=tuned.tokenizer,
            peft_config=tuned.peft_config,
            **method.extras(tuned, settings, inputs),
        )
    except StopIteration as error:
        raise _nothing_left(settings) from error
    trainer.oversight = oversight
    use_kernels(trainer.model, settings)
    for callback in training_tuner(settings).callbacks(trainer, settings):
        trainer.add_callback(callback)
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


def _data_set(rows: list[Row]) -> Any:
    from datasets import Dataset, Image, List

    data_set = Dataset.from_list(rows, on_mixed_types="use_json")  # tools have arguments of their own each
    # Pictures are opened when a batch needs them.
    return data_set.cast_column("images", List(Image())) if "images" in data_set.column_names else data_set


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
