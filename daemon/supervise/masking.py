"""What the daemon reads of a running attempt, without its secrets: the supervisor cleans events only at the end."""

from functools import lru_cache
from pathlib import Path

from tunewright.runners.supervision import delivered
from tunewright.runners.supervision.redaction import Redactor

_folders: dict[Path, Path | None] = {}
_MOST_FOLDERS = 4096


def redactor_for(bundle: Path) -> Redactor | None:
    """Return what finds an attempt's secrets; None where it has none (any more): then its events are clean.

    To be asked before reading, as the folder goes after the events were cleaned.
    """
    folder = _folder(bundle)
    if folder is None:
        return None
    try:
        return _known(folder, folder.stat().st_mtime_ns)
    except OSError:
        return None


def _folder(bundle: Path) -> Path | None:
    if bundle not in _folders:
        if not (bundle / "step.json").exists():
            return None
        if len(_folders) >= _MOST_FOLDERS:
            _folders.clear()
        _folders[bundle] = delivered.folder_of(bundle)
    return _folders[bundle]


@lru_cache(maxsize=256)
def _known(folder: Path, _made: int) -> Redactor | None:
    return delivered.redactor_of(folder)
