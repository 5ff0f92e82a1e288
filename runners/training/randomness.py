"""The states of all random number generators that a training draws from."""

import random
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def randomness_kept() -> Iterator[None]:
    """Give every generator back as it was found.

    A training that is resumed does not repeat an evaluation that came after its checkpoint: what that draws must not
    change the dropout of the steps behind it.
    """
    import numpy as np
    import torch

    python, arrays = random.getstate(), np.random.get_state()  # noqa: NPY002 - the generator that libraries use
    devices = [torch.cuda.current_device()] if torch.cuda.is_initialized() else []
    try:
        with torch.random.fork_rng(devices=devices):
            yield
    finally:
        random.setstate(python)
        np.random.set_state(arrays)  # noqa: NPY002
