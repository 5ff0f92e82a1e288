"""Low-rank adapters (Hu et al. 2021)."""

from tunewright.runners.training.tuners.low_rank import low_rank_config
from tunewright.runners.training.tuners.tuner import TrainingTuner

TUNER = TrainingTuner(adapter=low_rank_config)
