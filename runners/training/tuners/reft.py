"""Edits of the stream between blocks in a small subspace (Wu et al. 2024)."""

from tunewright.runners.training.tuners.attached import attached_tuner

TUNER = attached_tuner(start="attachment.bias")
