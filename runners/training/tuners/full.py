"""All weights learn."""

from tunewright.runners.training.tuners.tuner import TrainingTuner

TUNER = TrainingTuner()
