"""What loads a model folder: whether it sees images beside text, whether its weights are packed, is told by its files.

Heavy imports stay inside.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tunewright.runners.packed_weights.reading import teach_transformers

#: Parts of module names that belong to the image encoder, in the families that transformers has.
ENCODER_NAMES = ("vision_model", "vision_tower", "visual", "image_encoder")


def sees_images(folder: Path) -> bool:
    """Say whether a model folder is that of a model with an image encoder."""
    return "vision_config" in _configuration(folder)


def is_quantized(folder: Path) -> bool:
    """Say whether the weights of a model folder are quantised."""
    return "quantization_config" in _configuration(folder)


def model_class(folder: Path) -> Any:
    """Return transformers' class that loads a folder's model with its language head, packed weights as they are."""
    import transformers

    if is_quantized(folder):
        teach_transformers()
    return transformers.AutoModelForImageTextToText if sees_images(folder) else transformers.AutoModelForCausalLM


def scoring_class(folder: Path) -> Any:
    """Return transformers' class that loads a folder's model with a head that scores."""
    import transformers

    if is_quantized(folder):
        teach_transformers()
    return transformers.AutoModelForSequenceClassification


def body_class(folder: Path) -> Any:
    """Return transformers' class that loads a folder's model without a head."""
    import transformers

    if is_quantized(folder):
        teach_transformers()
    return transformers.AutoModel


def reader_class(folder: Path) -> Any:
    """Return transformers' class that loads what makes inputs of a folder's model: a processor, or a tokenizer."""
    import transformers

    return transformers.AutoProcessor if sees_images(folder) else transformers.AutoTokenizer


def text_part(reader: Any) -> Any:
    """Return the tokenizer of a processor; a tokenizer is its own."""
    return getattr(reader, "tokenizer", reader)


def _configuration(folder: Path) -> Mapping[str, Any]:
    try:
        found = json.loads((Path(folder) / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}  # what is wrong with the folder is said where it is loaded
    return found if isinstance(found, dict) else {}
