"""Do tokenizer and weights of a base model mean the same tokens? Looked at before the weights are loaded."""

import json
from pathlib import Path
from typing import Any

from tunewright.runners.sdk import StepFailedError

_SPECIAL = ("bos_token", "eos_token", "pad_token", "unk_token")


def hold_together(tokenizer: Any, folder: Path) -> None:
    """Raise StepFailedError for a tokenizer without an end, or with tokens that the model in `folder` does not know."""
    if tokenizer.eos_token_id is None:
        raise StepFailedError(
            "the base model's tokenizer has no end-of-sequence token: no reply would ever end",
            reason="EOS_MISSING",
            help="name the token that ends a text as `eos_token` in the model's tokenizer_config.json",
        )
    if (rows := _stated_rows(folder)) is None:
        return
    beyond = {name: getattr(tokenizer, f"{name}_id") for name in _SPECIAL}
    beyond = {name: number for name, number in beyond.items() if number is not None and number >= rows}
    if tokenizer.vocab_size > rows:
        problem = f"the tokenizer has {tokenizer.vocab_size:,} tokens"
    elif beyond:
        problem = ", ".join(f"`{getattr(tokenizer, name)}`, its {name}, is token {beyond[name]:,}" for name in beyond)
    else:
        return
    raise StepFailedError(
        f"{problem}, and the base model knows {rows:,} tokens",
        reason="VOCABULARY_MISMATCH",
        help="use the tokenizer that belongs to these weights",
    )


def _stated_rows(folder: Path) -> int | None:
    try:
        settings = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        rows = {**settings, **settings.get("text_config", {})}.get("vocab_size")
    except (OSError, ValueError, TypeError, AttributeError):
        return None  # what is wrong with the folder is said where it is loaded
    return rows if isinstance(rows, int) and rows > 0 else None
