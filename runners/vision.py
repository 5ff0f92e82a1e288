"""Models that see images beside text: how their folders tell, and what loads them. Heavy imports stay inside."""

import json
from pathlib import Path
from typing import Any

#: Parts of module names that belong to the image encoder, in the families that transformers has.
ENCODER_NAMES = ("vision_model", "vision_tower", "visual", "image_encoder")


def sees_images(folder: Path) -> bool:
    """Say whether a model folder is that of a model with an image encoder."""
    try:
        return "vision_config" in json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False  # what is wrong with the folder is said where it is loaded


def model_class(folder: Path) -> Any:
    """Return transformers' class that loads a folder's model with its language head."""
    import transformers

    return transformers.AutoModelForImageTextToText if sees_images(folder) else transformers.AutoModelForCausalLM


def reader_class(folder: Path) -> Any:
    """Return transformers' class that loads what makes inputs of a folder's model: a processor, or a tokenizer."""
    import transformers

    return transformers.AutoProcessor if sees_images(folder) else transformers.AutoTokenizer


def text_part(reader: Any) -> Any:
    """Return the tokenizer of a processor; a tokenizer is its own."""
    return getattr(reader, "tokenizer", reader)
