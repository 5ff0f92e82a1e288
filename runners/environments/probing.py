"""Ask an interpreter whether it has what our runners need, before a step finds out. Standard library only."""

import json
from collections.abc import Mapping
from pathlib import Path


def lacking(name: str, python: Path) -> Mapping[str, tuple[str, ...]]:
    """Return the packages that `python` lacks for the kinds of step that environment `name` does, by kind."""
    import subprocess

    from tunewright.runners.registry import BUILT_IN

    found: dict[str, tuple[str, ...]] = {}
    for kind, runner in BUILT_IN.items():
        if runner.environment != name:
            continue
        asked = subprocess.run([*runner.argv(str(python)), "probe"], capture_output=True, text=True, check=False)
        try:
            missing = tuple(json.loads(asked.stdout.splitlines()[-1])["missing"])
        except (ValueError, KeyError, IndexError):
            missing = ("what its runner needs to start",)
        if missing:
            found[kind] = missing
    return found
