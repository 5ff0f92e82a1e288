"""The site's retention as it is written in `retention.yaml`, held to as strictly as a spec."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from tunewright.daemon.errors import RefusedError
from tunewright.daemon.settings import SettingsFileError
from tunewright.daemon.settings_file import read_settings_file
from tunewright.spec.model.section import Duration, Section, parse_duration

FILE_NAME = "retention.yaml"
_SHORTEST_SECONDS = 60.0

Days = Annotated[int, Field(ge=0, le=36_500)]


def _often(value: str) -> str:
    if (parse_duration(value) or 0.0) < _SHORTEST_SECONDS:
        raise PydanticCustomError("often", "garbage is collected every minute (`1m`) at the most")
    return value


class Retention(Section):
    """How long files are kept; what is active, held, served or among the last runs of a spec is kept in any case."""

    artifacts_days: Days = 30
    """Days that an artifact is kept after the last run that used it has ended."""

    checkpoints_days: Days = 7
    """Days that an attempt's work folder with its checkpoints is kept after the attempt has ended."""

    logs_days: Days = 90
    """Days that an attempt's logs are kept after its run has ended, and alerts after their own end."""

    keep_last: Annotated[int, Field(ge=0, le=10_000)] = 3
    """Runs of each spec that are kept whole, newest first."""

    every: Annotated[Duration, AfterValidator(_often)] | None = None
    """How often the daemon collects by itself (`1d`, at least a minute); without it only `tunewright gc` does."""

    @property
    def every_seconds(self) -> float | None:
        """Return how often the daemon collects by itself; None for never."""
        return None if self.every is None else parse_duration(self.every)


def read_retention(home: Path) -> Retention:
    """Return the retention of a home, ours where it has none; raise RefusedError for a file that can't be read."""
    path = home / FILE_NAME
    if not path.exists():
        return Retention()
    try:
        return read_settings_file(path, Retention)
    except SettingsFileError as error:
        message = str(error).replace("\n", "; ")
        raise RefusedError("RETENTION_INVALID", f"{message}; nothing is collected without it") from error
