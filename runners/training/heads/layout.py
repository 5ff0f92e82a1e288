"""The files by which sentence-transformers and our own evaluation know how a model makes vectors of texts."""

import json
from pathlib import Path
from typing import Any

_POOLING = "1_Pooling"
_MODULES = (
    ("", "sentence_transformers.models.Transformer"),
    (_POOLING, "sentence_transformers.models.Pooling"),
    ("2_Normalize", "sentence_transformers.models.Normalize"),
)
_LAST = "pooling_mode_lasttoken"


def write_layout(folder: Path, *, pooling: str, width: int, max_length: int) -> None:
    """Write beside the weights how vectors of texts are made with them: pooling, length 1, longest text in tokens."""
    modules = [
        {"idx": index, "name": str(index), "path": path, "type": kind} for index, (path, kind) in enumerate(_MODULES)
    ]
    _write(folder / "modules.json", modules)
    _write(
        folder / _POOLING / "config.json",
        {
            "word_embedding_dimension": width,
            "pooling_mode_cls_token": False,
            "pooling_mode_max_tokens": False,
            "pooling_mode_mean_tokens": pooling == "mean",
            _LAST: pooling == "last_token",
            "include_prompt": True,
        },
    )
    _write(folder / "sentence_bert_config.json", {"max_seq_length": max_length, "do_lower_case": False})
    _write(folder / "config_sentence_transformers.json", {"prompts": {}, "similarity_fn_name": "cosine"})


def pooling_of(folder: Path) -> str:
    """Return how a folder's model makes one vector of a text."""
    stated = json.loads((folder / _POOLING / "config.json").read_text(encoding="utf-8"))
    return "last_token" if stated[_LAST] else "mean"


def _write(path: Path, value: Any) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(value, indent=2, sort_keys=True) + "\n", encoding="utf-8")
