"""From a spec on this machine to the message that tells a daemon what to compile."""

from collections.abc import Sequence
from pathlib import Path

from tunewright.client.values import SpecSource
from tunewright.compiler.front import set_variables
from tunewright.spec.source import SourceFile


def spec_source(source: SourceFile, path: str, profile: str | None, sets: Sequence[str]) -> SpecSource:
    """Return what decides the spec's meaning; relative paths in it start from the spec's folder (`-`: from here)."""
    folder = Path.cwd() if path == "-" else Path(path).resolve().parent
    return SpecSource(
        text=source.text,
        path=source.name,
        base_directory=str(folder),
        profile=profile or "",
        sets=tuple(sets),
        variables=set_variables(source.text, *sets),
    )
