"""Did you mean: the known word nearest to a mistyped one."""

from collections.abc import Iterable
from difflib import SequenceMatcher


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that `word` was most likely meant to be, or None when none is near."""
    lowered = word.casefold()
    best, best_score = None, 0.0
    for candidate in known:
        folded = candidate.casefold()
        if folded == lowered:
            return candidate
        score = SequenceMatcher(None, lowered, folded).ratio()
        # `lora_rank` is near `rank`, `batch` near `per_device_train_batch_size`: whole words inside each other count.
        words, candidate_words = set(lowered.split("_")), set(folded.split("_"))
        if words & candidate_words:
            score = max(score, 0.5 + 0.5 * len(words & candidate_words) / max(len(words), len(candidate_words)))
        if score > best_score:
            best, best_score = candidate, score
    return best if best_score >= 0.6 else None


def suggestion(near: str | None, known: str) -> str:
    """Return the help for a word that is not known: the nearest one if there is one, and what is known."""
    return f"did you mean `{near}`? ({known})" if near else known


def listed(words: Iterable[str], limit: int = 8) -> str:
    """Return words as `a, b, c, ...`, at most `limit` of them."""
    items = list(words)
    return ", ".join(items[:limit]) + (", ..." if len(items) > limit else "")
