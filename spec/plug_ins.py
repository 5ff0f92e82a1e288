"""What other packages can add, each through an entry-point group of its own. Standard library only.

A plug-in's name has a dot (`acme.trim`), so that a mistyped word of the language is found before anything runs.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType

#: What a plug-in is -> the entry-point group that offers it.
GROUPS: Mapping[str, str] = MappingProxyType(
    {
        "preprocessor": "tunewright.preprocessors",
        "filter": "tunewright.filters",
        "loss": "tunewright.losses",
        "metric": "tunewright.metrics",
    }
)

NAME_PATTERN = r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$"


def is_plug_in(name: str) -> bool:
    """Say whether a word names something that comes with another package."""
    return re.match(NAME_PATTERN, name) is not None
