"""A language model with a head of its own in the place of the one that writes. Heavy imports stay inside."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tunewright.runners.vision import scoring_class


def load_with_head(folder: Path, seed: int, **options: Any) -> Any:
    """Load a model for sequence classification; a head that the folder does not hold is drawn from the seed."""
    from transformers import AutoTokenizer, set_seed

    set_seed(seed)
    model = scoring_class(folder).from_pretrained(folder, **options)
    config = model.config.get_text_config()
    if config.pad_token_id is None:  # it finds the end of a text by it
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        config.pad_token_id = tokenizer.eos_token_id if tokenizer.pad_token_id is None else tokenizer.pad_token_id
    return model


def named_classes(labels: Sequence[str]) -> dict[str, Any]:
    """Return what a configuration says of the classes: their names, and that a text has one of them."""
    return {
        "num_labels": len(labels),
        "id2label": dict(enumerate(labels)),
        "label2id": {name: number for number, name in enumerate(labels)},
        "problem_type": "single_label_classification",
    }
