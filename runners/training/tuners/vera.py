"""Small vectors between random matrices that all layers share (Kopiczko et al. 2023)."""

from typing import Any

from tunewright.runners.training.settings import TrainSettings
from tunewright.runners.training.tuners.low_rank import chosen_layers
from tunewright.runners.training.tuners.tuner import Start, TrainingTuner


def _config(model: Any, settings: TrainSettings) -> Any:
    from peft import VeraConfig

    return VeraConfig(
        task_type="CAUSAL_LM",
        r=settings.tuner.rank,
        vera_dropout=settings.tuner.dropout,
        projection_prng_key=settings.seed,
        **chosen_layers(model, settings),
    )


TUNER = TrainingTuner(adapter=_config, start=Start(name="vera_lambda_b"))
