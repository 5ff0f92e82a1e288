"""Some blocks or parameters learn in full."""

import re
from typing import Any

from tunewright.runners.contract import ExitCode
from tunewright.runners.model_blocks import block_numbers, blocks_of
from tunewright.runners.sdk import StepFailedError
from tunewright.runners.training.settings import TrainSettings
from tunewright.runners.training.tuners.tuner import TrainingTuner


def _prepare(model: Any, settings: TrainSettings) -> Any:
    options = settings.tuner.options
    model.requires_grad_(False)
    blocks = blocks_of(model)
    for number in block_numbers(options.get("layers") or (), len(blocks)):
        blocks[number].requires_grad_(True)
    patterns = options.get("patterns") or ()
    for name, parameter in model.named_parameters():
        if any(re.search(pattern, name) for pattern in patterns):
            parameter.requires_grad_(True)
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise StepFailedError(
            "no parameter of the model fits `patterns`",
            reason="NOTHING_LEARNS",
            help=f"its parameters are called like {next(name for name, _ in blocks[0].named_parameters())}",
            code=ExitCode.IMPOSSIBLE,
        )
    return model


TUNER = TrainingTuner(prepare=_prepare)
