"""Tokens that a step before has made: how a training takes them up."""

import json
from pathlib import Path
from typing import Any

from tunewright.runners.preparing.rows import REPORT
from tunewright.runners.sdk import StepFailedError
from tunewright.spec.canonical import digest_of

#: The rows that are learned from, and those held out; the second is only there when some are.
FILES = ("train.arrow", "held_out.arrow")


def fingerprint(tokenizer: Any) -> str:
    """Return a digest of what tells tokenizers apart: their words and their chat template."""
    return digest_of({"words": dict(tokenizer.get_vocab()), "template": str(tokenizer.chat_template)})


def read_tokens(folder: Path) -> tuple[Any, Any | None]:
    """Return `(training rows, held-out rows or None)` as data sets mapped into memory."""
    from datasets import Dataset

    parts = [Dataset.from_file(str(folder / name)) if (folder / name).exists() else None for name in FILES]
    return parts[0], parts[1]


def check_tokens(folder: Path, tokenizer: Any) -> None:
    """Raise StepFailedError unless the tokens were made by an equal tokenizer."""
    made_by = json.loads((folder / REPORT).read_text(encoding="utf-8"))["tokenizer"]
    if made_by != fingerprint(tokenizer):
        raise StepFailedError(
            "the tokens were made by another tokenizer than the model's",
            reason="TOKENS_OF_ANOTHER_MODEL",
            help="write `tokenize: inside` in this step",
        )
