"""Layers turned block by block (Qiu et al. 2023)."""

from typing import Any

from tunewright.runners.training.settings import TrainSettings
from tunewright.runners.training.tuners.low_rank import chosen_layers
from tunewright.runners.training.tuners.tuner import Start, TrainingTuner


def _config(model: Any, settings: TrainSettings) -> Any:
    from peft import OFTConfig

    return OFTConfig(
        task_type="CAUSAL_LM",
        r=0,
        oft_block_size=settings.tuner.options["block_size"],
        module_dropout=settings.tuner.dropout,
        **chosen_layers(model, settings),
    )


TUNER = TrainingTuner(adapter=_config, start=Start(name="oft_R"))
