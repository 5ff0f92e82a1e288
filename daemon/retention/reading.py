"""The site's retention as it is now, for a daemon that lives on while it changes."""

from pathlib import Path

from tunewright.daemon.aside import Aside
from tunewright.daemon.errors import RefusedError
from tunewright.daemon.retention.policy import Retention
from tunewright.daemon.settings import SettingsFileError

FILE_NAME = "retention.yaml"


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
