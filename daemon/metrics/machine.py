"""How large the stores are, and how much room is left for them."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tunewright.daemon.home import Home


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageReading:
    """Bytes; the stores are `control` and `metrics`."""

    main_bytes: Mapping[str, int]
    wal_bytes: Mapping[str, int]
    free_bytes: int
    disk_bytes: int


def read_storage(home: Home) -> StorageReading:
    """Return the sizes of this moment."""
    stores = {path.stem: path for path in (home.database, home.points)}
    disk = os.statvfs(home.root)
    return StorageReading(
        main_bytes={name: _size(path) for name, path in stores.items()},
        wal_bytes={name: _size(path.with_name(f"{path.name}-wal")) for name, path in stores.items()},
        free_bytes=disk.f_bavail * disk.f_frsize,
        disk_bytes=disk.f_blocks * disk.f_frsize,
    )


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
