"""Find out which packages offer the plug-ins that a spec names, without importing any of them."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from tunewright.compiler.ir.facts import PlugInFacts
from tunewright.spec.plug_ins import GROUPS

#: What a `.pth` file says of further folders: the folder itself, or a call that adds one.
_ADDED = re.compile(r"addsitedir\(['\"](.+?)['\"]\)")


def collect_plug_ins(kinds: Sequence[str], environment: str | None) -> tuple[PlugInFacts, ...]:
    """Return all plug-ins of some kinds that the interpreter environment in a folder has, by kind and name.

    None for a folder: the environment is not here, and nothing is known.
    """
    if environment is None or not kinds:
        return ()
    # Takes a tenth of the time of a whole check, and few specs name a plug-in.
    from importlib import metadata

    by_group = {GROUPS[kind]: kind for kind in kinds}
    found = {
        (kind, entry.name): PlugInFacts(
            kind=kind,
            name=entry.name,
            distribution=package.metadata["Name"],
            version=package.version,
            module=entry.module,
        )
        for package in metadata.distributions(path=list(sites(Path(environment))))
        for entry in package.entry_points
        if (kind := by_group.get(entry.group)) is not None
    }
    return tuple(found[key] for key in sorted(found))


def sites(environment: Path) -> Iterator[str]:
    """Yield the folders that an environment imports from; those that it borrows from another one too."""
    for site in sorted(environment.glob("lib/python3*/site-packages")):
        yield str(site)
        for path in sorted(site.glob("*.pth")):
            try:
                lines = path.read_text(encoding="utf-8").splitlines()
            except (OSError, UnicodeDecodeError):
                continue
            for line in lines:
                if line.startswith("import "):
                    yield from _ADDED.findall(line)
                elif line.strip() and not line.startswith("#"):
                    yield str(site / line.strip())
