"""Element-wise products of two low-rank matrices (Hyeon-Woo et al. 2021)."""

from typing import Any

from tunewright.runners.training.settings import TrainSettings
from tunewright.runners.training.tuners.low_rank import chosen_layers
from tunewright.runners.training.tuners.tuner import Start, TrainingTuner


def _config(model: Any, settings: TrainSettings) -> Any:
    from peft import LoHaConfig

    return LoHaConfig(
        task_type="CAUSAL_LM",
        r=settings.tuner.rank,
        alpha=settings.tuner.alpha,
        module_dropout=settings.tuner.dropout,
        **chosen_layers(model, settings),
    )


TUNER = TrainingTuner(adapter=_config, start=Start(name="hada_w2_a"))
