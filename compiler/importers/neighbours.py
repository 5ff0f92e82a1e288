"""What lies around an imported file: the DeepSpeed settings, data set tables and folders that its options name."""

import json
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from tunewright.spec.record import record

MAX_BYTES = 1024 * 1024
_LEVELS = 4


@record
class Neighbours:
    """Files near the imported one. Frameworks start in their repository's root, so the folders above are looked at too.

    Only relative paths without `..` are followed: a file from elsewhere must not make us read what is not beside it.
    """

    folder: Path

    def text(self, written: str) -> str | None:
        """Return the text of a file, or None where there is none, it is no UTF-8 or too long."""
        path = self._find(written)
        try:
            if path is None or not path.is_file() or path.stat().st_size > MAX_BYTES:
                return None
            return path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError):
            return None

    def json(self, written: str) -> Mapping[str, Any] | None:
        """Return the object in a JSON file, or None."""
        text = self.text(written)
        if text is None:
            return None
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            return None
        return value if isinstance(value, dict) else None

    def is_folder(self, written: str) -> bool:
        """Say whether a folder of that name is near."""
        path = self._find(written)
        return path is not None and path.is_dir()

    def _find(self, written: str) -> Path | None:
        parts = PurePosixPath(written)
        if not written or parts.is_absolute() or ".." in parts.parts or written.startswith("~") or "\0" in written:
            return None
        for folder in (self.folder, *self.folder.absolute().parents[:_LEVELS]):
            try:
                if (folder / parts).exists():
                    return folder / parts
            except OSError:
                return None
        return None
