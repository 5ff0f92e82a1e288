"""From a spec on this machine to the message that tells a daemon what to compile."""

from collections.abc import Sequence
from pathlib import Path

from tunewright.client.values import SpecSource
from tunewright.compiler.front import Compilation, set_variables


def spec_source(compilation: Compilation, path: str, profile: str | None, sets: Sequence[str]) -> SpecSource:
    """Return what decided the meaning of a spec that was compiled here; relative paths in it start from its folder
    (`-`: from here).
    """
    source, lock = compilation.source, compilation.lock
    folder = Path.cwd() if path == "-" else Path(path).resolve().parent
    return SpecSource(
        text=source.text,
        path=source.name,
        base_directory=str(folder),
        profile=profile or "",
        sets=tuple(sets),
        variables=set_variables(source.text, *sets),
        lock=lock.text if lock else "",
        lock_path=lock.name if lock else "",
        locked=compilation.locked,
    )
