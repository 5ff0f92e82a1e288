"""A small network after each block (Houlsby et al. 2019)."""

from tunewright.runners.training.tuners.attached import attached_tuner

TUNER = attached_tuner(start="up.")
