"""What a row asks, as a short digest: enough to see that an exam's question was learned from."""

import hashlib
from collections.abc import Mapping
from typing import Any

_DIGEST_BYTES = 8


def prompt_digest(row: Mapping[str, Any]) -> str:
    """Return the digest of a row's question, blind to case and white space; empty for rows that ask nothing."""
    words = question_text(row).casefold().split()
    if not words:
        return ""
    # One question about two pictures is two questions.
    words += [str(row[column]) for column in ("image", "images") if row.get(column)]
    return hashlib.blake2b(" ".join(words).encode("utf-8", "replace"), digest_size=_DIGEST_BYTES).hexdigest()


def question_text(row: Mapping[str, Any]) -> str:
    """Return what a row asks, as it is written; empty for rows that ask nothing."""
    if isinstance(instruction := row.get("instruction"), str):
        extra = row.get("input")
        return f"{instruction} {extra}" if isinstance(extra, str) else instruction
    for column in ("prompt", "question", "messages", "chosen", "anchor"):
        if column in row:
            return _asked(row[column])
    return _asked(row["text"]) if "label" in row and "text" in row else ""


def _asked(value: Any) -> str:
    """Return a text as it is; of a conversation, all that the user says: a lone `and then?` is nobody's question."""
    if isinstance(value, str):
        return value
    turns = value if isinstance(value, list) else []
    said = [turn.get("content") for turn in turns if isinstance(turn, dict) and turn.get("role") == "user"]
    return " ".join(text for text in said if isinstance(text, str))
