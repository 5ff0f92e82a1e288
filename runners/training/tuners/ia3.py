"""Learnt factors on keys, values and inner features (Liu et al. 2022)."""

from typing import Any

from tunewright.runners.training.settings import TrainSettings
from tunewright.runners.training.tuners.low_rank import layers_named
from tunewright.runners.training.tuners.tuner import Start, TrainingTuner


def _config(model: Any, settings: TrainSettings) -> Any:
    from peft import IA3Config

    targets = list(settings.tuner.target_modules)
    inner = {name.rpartition(".")[2] for name in layers_named(model, targets) if "attn" not in name}
    return IA3Config(
        task_type="CAUSAL_LM",
        target_modules=targets,
        # Outside of attention the factors act on what enters a layer.
        feedforward_modules=[target for target in targets if target.rpartition(".")[2] in inner],
    )


TUNER = TrainingTuner(adapter=_config, start=Start(name="ia3_l", value=1.0))
