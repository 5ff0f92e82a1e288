"""Where generation stops, and whether a turn of the chat template ends there."""

from collections.abc import Mapping
from typing import Any

from tunewright.compiler.facts.families import Family


def unstopped_turn(
    family: Family | None, template: str, tokenizer: Mapping[str, Any], generation: Mapping[str, Any]
) -> str | None:
    """Return the text that ends a turn in a template when generation runs past it; None where all is well or unknown.

    `tokenizer` is tokenizer_config.json, `generation` generation_config.json (or config.json where there is none).
    """
    end = family.turn_end if family else None
    ids = generation.get("eos_token_id")
    wanted = {str(item) for item in (ids if isinstance(ids, list) else [ids]) if isinstance(item, int)}
    added = tokenizer.get("added_tokens_decoder")
    if end is None or end not in template or not wanted or not isinstance(added, Mapping):
        return None
    stops = {_text(added.get(item)) for item in wanted}
    own = tokenizer.get("eos_token")
    stops.add(own if isinstance(own, str) else _text(own) or "")
    return None if None in stops or end in stops else end


def _text(token: Any) -> str | None:
    content = token.get("content") if isinstance(token, Mapping) else None
    return content if isinstance(content, str) else None
