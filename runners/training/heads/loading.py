"""A language model with a head of its own in the place of the one that writes. Heavy imports stay inside."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tunewright.runners.vision import scoring_class


def load_with_head(folder: Path, seed: int, **options: Any) -> Any:
    """Load a model for sequence classification; a head that the folder does not hold is drawn from the seed."""
    from transformers import AutoTokenizer, set_seed

    set_seed(seed)
    model, found = scoring_class(folder).from_pretrained(folder, output_loading_info=True, **options)
    _draw_whole(model, found["missing_keys"], seed)
    config = model.config.get_text_config()
    if config.pad_token_id is None:  # it finds the end of a text by it
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        config.pad_token_id = tokenizer.eos_token_id if tokenizer.pad_token_id is None else tokenizer.pad_token_id
    return model


def _draw_whole(model: Any, names: Iterable[str], seed: int) -> None:
    """Give a head in shards the values of a whole one: each process has drawn its part from the same seed."""
    from torch import empty, manual_seed, no_grad
    from torch.distributed.tensor import DTensor, distribute_tensor

    parameters: dict[str, Any] = dict(model.named_parameters())
    for name in sorted(names):
        shard: Any = parameters.get(name)
        if isinstance(shard, DTensor):
            manual_seed(seed)
            whole = empty(shard.shape, dtype=shard.dtype).normal_(std=model.config.get_text_config().initializer_range)
            with no_grad():
                shard.copy_(distribute_tensor(whole, shard.device_mesh, shard.placements))


def named_classes(labels: Sequence[str]) -> dict[str, Any]:
    """Return what a configuration says of the classes: their names, and that a text has one of them."""
    return {
        "num_labels": len(labels),
        "id2label": dict(enumerate(labels)),
        "label2id": {name: number for number, name in enumerate(labels)},
        "problem_type": "single_label_classification",
    }
