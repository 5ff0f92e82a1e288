"""Sequences that several processes share."""

from tunewright.runners.training.settings import TrainSettings


def sequence_parts(settings: TrainSettings) -> int | None:
    """Return what the length of every batch must be a multiple of; None where each process has whole sequences.

    Rings give each process an early and a late part, so that all have as much to attend to.
    """
    size = settings.parallelism.context_parallel
    return 2 * size if size > 1 else None
