"""LoRA scaled by alpha / sqrt(rank) (Kalajdzievski 2023)."""

from functools import partial

from tunewright.runners.training.tuners.low_rank import low_rank_config
from tunewright.runners.training.tuners.tuner import TrainingTuner

TUNER = TrainingTuner(adapter=partial(low_rank_config, use_rslora=True))
