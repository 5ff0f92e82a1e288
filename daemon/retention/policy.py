"""How long a site keeps files, as typed values. What reads them from a file is file.py."""

from dataclasses import dataclass
from pathlib import Path

from tunewright.daemon.aside import Aside
from tunewright.daemon.errors import RefusedError
from tunewright.daemon.settings import SettingsFileError

FILE_NAME = "retention.yaml"


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


def read_retention(home: Path, aside: Aside | None = None) -> Retention:
    """Return the retention of a home, ours where it has none; raise RefusedError for a file that can't be read.

    With `aside` it is read in a process beside this one. It may take a second: call it in a thread.
    """
    path = home / FILE_NAME
    if not path.exists():
        return Retention()
    try:
        if aside is not None:
            found: Retention = aside.call("tunewright.daemon.retention.file:read_retention_file", path)
            return found
        from tunewright.daemon.retention.file import read_retention_file

        return read_retention_file(path)
    except (SettingsFileError, OSError) as error:
        message = str(error).replace("\n", "; ")
        raise RefusedError("RETENTION_INVALID", f"{message}; nothing is collected without it") from error
