"""The settings of alerts as they are now, for a daemon that lives on while they change."""

from collections.abc import Callable
from pathlib import Path

from tunewright.daemon.access.reloading import Reloaded
from tunewright.daemon.alerts.settings import AlertSettings


def read_alerts(path: Path | None) -> Callable[[], AlertSettings]:
    """Return what answers the file's content as it is now; raise AlertSettingsError for one that is wrong at first."""
    if path is None:
        nothing = AlertSettings()
        return lambda: nothing
    # Only a site that has such a file pays for what reads it.
    from tunewright.daemon.alerts.file import read_alerts_file

    return Reloaded((path,), lambda: read_alerts_file(path)).get
