"""Learnt vectors before every text (Lester et al. 2021)."""

from typing import Any

from tunewright.runners.training.settings import TrainSettings
from tunewright.runners.training.tuners.tuner import Start, TrainingTuner


def _config(_model: Any, settings: TrainSettings) -> Any:
    from peft import PromptTuningConfig

    return PromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=settings.tuner.options["num_virtual_tokens"])


TUNER = TrainingTuner(adapter=_config, start=Start(name=""))
