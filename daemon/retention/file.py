"""`retention.yaml` as it is written, held to as strictly as a spec."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from tunewright.daemon.retention.policy import Retention
from tunewright.daemon.settings_file import read_settings_file
from tunewright.spec.model.section import Duration, Section, parse_duration

_SHORTEST_SECONDS = 60.0
_USUAL = Retention()

Days = Annotated[int, Field(ge=0, le=36_500)]


def _often(value: str) -> str:
    if (parse_duration(value) or 0.0) < _SHORTEST_SECONDS:
        raise PydanticCustomError("often", "garbage is collected every minute (`1m`) at the most")
    return value


class RetentionFile(Section):
    """The whole file."""

    artifacts_days: Days = _USUAL.artifacts_days
    """Days that an artifact is kept after the last run that used it has ended."""

    checkpoints_days: Days = _USUAL.checkpoints_days
    """Days that an attempt's work folder with its checkpoints is kept after the attempt has ended."""

    logs_days: Days = _USUAL.logs_days
    """Days that an attempt's logs are kept after its run has ended, and alerts after their own end."""

    keep_last: Annotated[int, Field(ge=0, le=10_000)] = _USUAL.keep_last
    """Runs of each spec that are kept whole, newest first."""

    every: Annotated[Duration, AfterValidator(_often)] | None = None
    """How often the daemon collects by itself (`1d`, at least a minute); without it only `tunewright gc` does."""


def read_retention_file(path: Path) -> Retention:
    """Return what the file says; raise SettingsFileError with place and remedy of everything that is wrong with it."""
    found = read_settings_file(path, RetentionFile)
    every = None if found.every is None else parse_duration(found.every)
    return Retention(**found.model_dump(exclude={"every"}), every_seconds=every)
