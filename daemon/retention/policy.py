"""How long a site keeps files, as typed values. What reads them from a file is file.py."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long files are kept; what is active, held, served or among the last runs of a spec is kept in any case.

    `every_seconds`: how often the daemon collects by itself, None for never.
    """

    artifacts_days: int = 30
    checkpoints_days: int = 7
    logs_days: int = 90
    keep_last: int = 3
    every_seconds: float | None = None
