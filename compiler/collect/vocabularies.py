"""Whether the tokenizer of a model folder, its configuration and its weights mean the same tokens.

What does not fit fails after loading: an embedding is asked for a row that it has not, weights are of another shape.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tunewright.compiler.collect.cache import FactCache, remembered
from tunewright.compiler.collect.safetensors import StoredTensor

_LONGEST_VOCABULARY = 256 * 2**20
_EMBEDDINGS = (
    "embed_tokens.weight",
    "wte.weight",
    "word_embeddings.weight",
    "tok_embeddings.weight",
    "embed_in.weight",
)
_SPECIAL = ("bos_token", "eos_token", "pad_token", "unk_token")
#: Classes that have only the special tokens that their files name; others bring some of their own.
_PLAIN_CLASSES = frozenset({"PreTrainedTokenizerFast", "TokenizersBackend"})


def embedding_rows(tensors: Iterable[StoredTensor]) -> int | None:
    """Return how many tokens the weights have a row for; None where the embedding has another name or is packed."""
    rows = [tensor.shape[0] for tensor in tensors if tensor.name.endswith(_EMBEDDINGS) and len(tensor.shape) == 2]
    return rows[0] if len(rows) == 1 else None


def lacks_end_token(settings: Mapping[str, Any], more: Mapping[str, Any]) -> bool:
    """Say whether a tokenizer certainly has no end-of-sequence token.

    `settings` is tokenizer_config.json, `more` special_tokens_map.json.
    """
    plain = settings.get("tokenizer_class") in _PLAIN_CLASSES
    return plain and not any(_text(source.get("eos_token")) for source in (settings, more))


def misfit(folder: Path, settings: Mapping[str, Any], rows: int, *, cache: FactCache | None) -> str | None:
    """Return, as words after the model's name, which token has no row in the weights; None where all have one."""
    vocabulary = folder / "tokenizer.json"
    if not vocabulary.is_file() or vocabulary.stat().st_size > _LONGEST_VOCABULARY:
        return None
    special = {key: text for key in _SPECIAL if (text := _text(settings.get(key))) is not None}
    asked = sorted(set(special.values()))
    seen = remembered(cache, "vocabulary", vocabulary, lambda path: _look(path, asked), variant=json.dumps(asked))
    if seen["size"] > rows:
        return f"has a tokenizer of {seen['size']:,} tokens, and weights for {rows:,}"
    added = settings.get("added_tokens_decoder")
    ids = {_text(value): int(key) for key, value in added.items() if key.isdecimal()} if isinstance(added, dict) else {}
    for key, text in special.items():
        # A special token that no file has an id for gets the next one.
        number = seen["ids"].get(text, ids.get(text, seen["next"]))
        if seen["size"] and number >= rows:
            return f"has `{text}` as its {key}, token {number:,}, and weights for {rows:,} tokens only"
    return None


def _look(path: Path, asked: Iterable[str]) -> Mapping[str, Any]:
    """Return `size` (one more than the highest id of the vocabulary), `next` (the id that a new token would get) and
    the `ids` of what is asked for; a size of 0 means a form that is not known.
    """
    nothing = {"size": 0, "next": 0, "ids": {}}
    try:
        content = json.loads(path.read_bytes())
        stored, added = content["model"]["vocab"], content.get("added_tokens") or []
        # A list (Unigram) has a token's number by its place.
        known = stored if isinstance(stored, dict) else {item[0]: index for index, item in enumerate(stored)}
        ids = known | {item["content"]: item["id"] for item in added}
        size = max(known.values(), default=-1) + 1
        return {
            "size": size,
            "next": max(ids.values(), default=-1) + 1,
            "ids": {text: ids[text] for text in asked if text in ids},
        }
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError):
        return nothing


def _text(token: Any) -> str | None:
    content = token.get("content") if isinstance(token, Mapping) else token
    return content if isinstance(content, str) and content else None
