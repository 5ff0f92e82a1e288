"""What a model folder without its weights tells: hubs' caches often hold only the small files, fetched for a look."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tunewright.compiler.collect.configuration import facts_of_configuration
from tunewright.compiler.collect.families import FamilyOf
from tunewright.compiler.collect.safetensors import linear_names_of_index
from tunewright.compiler.collect.tokenizers import needs_code
from tunewright.compiler.facts.families import family_of, linear_names

_LONGEST_JSON = 32 * 2**20
_TEMPLATES = ("chat_template.jinja", "chat_template.json")
_TOKENIZER = "tokenizer_config.json"


def facts_without_weights(folder: Path, family_named: FamilyOf = family_of) -> dict[str, Any]:
    """Return fields of ModelFacts; empty when there is no usable config.json. What is not there stays unknown."""
    config = _read(folder / "config.json")
    if config is None:
        return {}
    fields = facts_of_configuration(config, family_named)
    fields["remote_code"] = fields["remote_code"] or needs_code(folder)
    fields["chat_template"] = _has_template(folder)
    index = _read(folder / "model.safetensors.index.json") or {}
    fields["linear_modules"] = linear_names_of_index(index) or linear_names(family_named(fields["model_type"]))
    if (size := _total_size(index)) is not None:
        fields["weight_bytes"] = size
    return fields


def _has_template(folder: Path) -> bool | None:
    """Say whether there is a chat template; None when the files that could hold one are not here."""
    if any((folder / name).is_file() for name in _TEMPLATES):
        return True
    settings = _read(folder / _TOKENIZER)
    return None if settings is None else bool(settings.get("chat_template"))


def _total_size(index: Mapping[str, Any]) -> int | None:
    metadata = index.get("metadata")
    size = metadata.get("total_size") if isinstance(metadata, Mapping) else None
    return size if isinstance(size, int) and not isinstance(size, bool) and 0 < size < 2**53 else None


def _read(path: Path) -> Mapping[str, Any] | None:
    try:
        if path.stat().st_size > _LONGEST_JSON:
            return None
        value = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
