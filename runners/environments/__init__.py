"""Runner environments: each a pinned requirement file and an interpreter of its own. Standard library only.

Engines' pins conflict with each other, so a runner names an environment; the control plane never imports what is in it.
"""

from tunewright.runners.environments.foreign import use
from tunewright.runners.environments.place import gone, held_packages, interpreter
from tunewright.runners.environments.probing import lacking
from tunewright.runners.environments.sync import EnvironmentSyncError, sync
from tunewright.runners.environments.table import (
    ENVIRONMENTS,
    Environment,
    UnknownEnvironmentError,
    digest,
    requirements,
)

__all__ = [
    "ENVIRONMENTS",
    "Environment",
    "EnvironmentSyncError",
    "UnknownEnvironmentError",
    "digest",
    "gone",
    "held_packages",
    "interpreter",
    "lacking",
    "requirements",
    "sync",
    "use",
]
