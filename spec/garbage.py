"""How often a starting process looks for garbage. Standard library only."""

import gc

#: Starting makes some hundred thousand objects, with large libraries a million, and next to no garbage: looking for it
#: took a tenth of the time of `check`, and a fifth of the time of a trainer's imports.
_THRESHOLDS = (100_000, 20, 20)


def expect_little_garbage() -> None:
    """Let this process look for cyclic garbage a hundred times more rarely than Python does by itself."""
    gc.set_threshold(*_THRESHOLDS)
