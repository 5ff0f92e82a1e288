"""Learnt keys and values before every text, in each layer (Li and Liang 2021)."""

from typing import Any

from tunewright.runners.training.settings import TrainSettings
from tunewright.runners.training.tuners.tuner import Start, TrainingTuner


def _config(_model: Any, settings: TrainSettings) -> Any:
    from peft import PrefixTuningConfig

    return PrefixTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=settings.tuner.options["num_virtual_tokens"])


TUNER = TrainingTuner(adapter=_config, start=Start(name=""))
