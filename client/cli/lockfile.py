"""`life.lock` beside the spec: what models, data and packages were resolved to, for version control to see."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def lock_path(spec: Path) -> Path:
    """Return the lock that belongs to a spec: `life.lock` for `life.yaml`."""
    return spec.with_suffix(".lock")


def lock_text(lock: Mapping[str, Any]) -> str:
    """Return the lock as text: JSON with sorted keys, one value a line, so that a change is a small diff."""
    return json.dumps(lock, ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def write_lock(spec: Path, lock: Mapping[str, Any]) -> bool:
    """Write the lock when it differs from what is there; say whether it was written."""
    path, text = lock_path(spec), lock_text(lock)
    try:
        if path.read_text(encoding="utf-8") == text:
            return False
    except (FileNotFoundError, UnicodeDecodeError):
        pass
    aside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        aside.write_text(text, encoding="utf-8")
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
    return True
