"""Models that every process holds whole beside the one that is divided."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def whole_models() -> Iterator[None]:
    """Let models that are loaded inside stay whole: under ZeRO-3 transformers would cut every one of them into shards.

    No engine gathers the shards of a model that is only asked, or merged.
    """
    from transformers.integrations import deepspeed

    settings = deepspeed._hf_deepspeed_config_weak_ref
    deepspeed.unset_hf_deepspeed_config()
    try:
        yield
    finally:
        deepspeed._hf_deepspeed_config_weak_ref = settings
