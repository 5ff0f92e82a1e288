"""LoRA that learns size and direction apart (Liu et al. 2024)."""

from functools import partial

from tunewright.runners.training.tuners.low_rank import low_rank_config
from tunewright.runners.training.tuners.tuner import TrainingTuner

TUNER = TrainingTuner(adapter=partial(low_rank_config, use_dora=True))
