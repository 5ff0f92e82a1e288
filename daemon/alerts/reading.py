"""The settings of alerts as they are now, for a daemon that lives on while they change."""

from collections.abc import Callable
from pathlib import Path

from tunewright.daemon.access.reloading import Reloaded
from tunewright.daemon.alerts.settings import AlertSettings
from tunewright.daemon.aside import Aside


def read_alerts(path: Path, aside: Aside | None = None, *, needed: bool = True) -> Callable[[], AlertSettings]:
    """Return what answers the file's content as it is now; raise AlertSettingsError for one that is wrong at first.

    Unless it is `needed`, a file that is not there says that nobody is told; it counts as soon as it is. With `aside`
    it is read in a process beside this one.
    """

    def read() -> AlertSettings:
        if not needed and not path.exists():
            return AlertSettings()
        if aside is None:
            from tunewright.daemon.alerts.file import read_alerts_file

            return read_alerts_file(path)
        found: AlertSettings = aside.call("tunewright.daemon.alerts.file:read_alerts_file", path)
        return found

    return Reloaded((path,), read).get
