"""What an editor may choose, from `initializationOptions` or `workspace/didChangeConfiguration`."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

SECTION = "tunewright"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """`inlay_hints`: show resolved defaults behind each step; `code_lens`: show a line of the plan above each step."""

    inlay_hints: bool = False
    code_lens: bool = True


def settings_from(value: Any) -> Settings:
    """Read settings written in camel case, bare or under `tunewright`; what can't be read keeps its default."""
    if isinstance(value, Mapping) and isinstance(value.get(SECTION), Mapping):
        value = value[SECTION]
    if not isinstance(value, Mapping):
        return Settings()
    chosen = {field.name: value.get(_camel(field.name)) for field in fields(Settings)}
    return Settings(**{name: item for name, item in chosen.items() if isinstance(item, bool)})


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
