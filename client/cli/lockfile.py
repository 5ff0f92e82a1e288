"""`life.lock` beside the spec: what models, data and packages were resolved to, for version control to see."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tunewright.client.cli import exits
from tunewright.client.cli.exits import CommandError
from tunewright.client.cli.options import STANDARD_INPUT
from tunewright.spec.source import SourceFile


def lock_path(spec: Path) -> Path:
    """Return the lock that belongs to a spec: `life.lock` for `life.yaml`."""
    return spec.parent / f"{spec.stem}.lock"


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


def read_lock(spec: str) -> SourceFile | None:
    """Return the lock that belongs to a spec; None when there is none, as for a spec from standard input."""
    path = lock_path(Path(spec))
    try:
        return None if spec == STANDARD_INPUT else as_source(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CommandError(f"the lock `{path}` can't be read: {error.strerror}") from None


def required_lock(spec: str) -> SourceFile:
    """Return the lock that belongs to a spec; raise CommandError when there is none."""
    if spec == STANDARD_INPUT:
        raise CommandError("a spec from standard input has no lock", help="name the file", code=exits.USAGE)
    if (lock := read_lock(spec)) is None:
        raise CommandError(f"there is no lock `{lock_path(Path(spec))}`", help=f"write it: tunewright lock {spec}")
    return lock


def as_source(path: Path) -> SourceFile:
    """Return a lock's text; bytes that are no UTF-8 are pointed at by the compiler. May raise OSError."""
    return SourceFile(str(path), path.read_bytes().decode("utf-8", errors="surrogateescape"))
