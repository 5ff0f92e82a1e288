"""What other packages can add, each through an entry-point group of its own. Standard library only.

A plug-in's name has a dot (`acme.trim`), so that a mistyped word of the language is found before anything runs; only a
model family has the name that its models have, their `model_type`.
"""

from collections.abc import Mapping
from types import MappingProxyType

#: What a plug-in is -> the entry-point group that offers it.
GROUPS: Mapping[str, str] = MappingProxyType(
    {
        "preprocessor": "tunewright.preprocessors",
        "filter": "tunewright.filters",
        "loss": "tunewright.losses",
        "metric": "tunewright.metrics",
        "reward": "tunewright.rewards",
        "family": "tunewright.families",
        "runner": "tunewright.runners",
    }
)

NAME_PATTERN = r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$"


def is_plug_in(name: str) -> bool:
    """Say whether a word names something that comes with another package."""
    return "." in name
