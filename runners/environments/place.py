"""Where an environment lives on disk, when it counts as complete, and how `tunewright` becomes importable inside it."""

import fcntl
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import tunewright
from tunewright.runners.environments.table import digest, environment

#: Written last, so that a folder without it is the rest of an interrupted installation.
MARKER = "tunewright-environment.json"

_LINK_FOLDER = "tunewright-link"
_LINK_FILE = "tunewright-link.pth"


def folder_of(name: str, root: Path) -> Path:
    """Return the folder an environment has under `root`: other requirements or Python give another folder."""
    return root / f"{name}-{digest(name).removeprefix('sha256:')[:12]}"


def interpreter(name: str, root: Path) -> Path | None:
    """Return the interpreter of an environment when it is complete (a site's own one first), else None.

    A site's own one that is gone is not replaced in silence: results would come from other packages than were chosen.
    """
    shared = environment(name).same_as
    own = foreign_folder(name, root)
    if gone(name, root) is not None:
        return None
    for folder in (own,) if shared else (own, folder_of(name, root)):
        python = folder / "bin" / "python"
        if read_marker(folder) is not None and python.exists() and links_here(folder):
            return python
    return interpreter(shared, root) if shared else None


def gone(name: str, root: Path) -> Path | None:
    """Return the interpreter that a site registered for an environment and that is not there any more, else None."""
    source = (read_marker(foreign_folder(name, root)) or {}).get("source")
    return Path(source) if source is not None and not Path(source).exists() else None


def held_packages(name: str, root: Path, asked: Iterable[str]) -> tuple[str, ...]:
    """Return which of some packages an installed environment holds, by their metadata: nothing is imported or run."""
    python = interpreter(name, root)
    if python is None:
        return ()
    sites = [_site_packages(python.parent.parent), *_more_sites(python.parent.parent)]
    return tuple(
        package
        for package in sorted(asked)
        if any(next(site.glob(f"{package.replace('-', '_')}-*.dist-info"), None) for site in sites)
    )


def _more_sites(folder: Path) -> list[Path]:
    text = (_site_packages(folder) / _LINK_FILE).read_text(encoding="utf-8")
    return [Path(found) for found in re.findall(r"addsitedir\('(.*)'\)", text)]


def foreign_folder(name: str, root: Path) -> Path:
    """Return the folder of the thin environment that stands for a site's own interpreter."""
    return root / f"{name}-own"


def read_marker(folder: Path) -> dict[str, str] | None:
    """Return what was recorded when the environment was completed, or None when it never was."""
    try:
        recorded = json.loads((folder / MARKER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return recorded if isinstance(recorded, dict) else None


def link_package(folder: Path, *, more_sites: tuple[str, ...] = ()) -> None:
    """Make exactly the `tunewright` package importable in the environment, and nothing else of the control plane's.

    A `.pth` file points at a folder that holds one link, the package; `more_sites` are site folders of another
    interpreter to add.
    """
    links = folder / _LINK_FOLDER
    links.mkdir(exist_ok=True)
    aside = links / f".tunewright.{os.getpid()}"
    aside.unlink(missing_ok=True)
    aside.symlink_to(_package(), target_is_directory=True)
    aside.replace(links / "tunewright")
    lines = [str(links), *(f"import site; site.addsitedir({path!r})" for path in more_sites)]
    (_site_packages(folder) / _LINK_FILE).write_text("\n".join(lines) + "\n", encoding="utf-8")


def links_here(folder: Path) -> bool:
    """Say whether the environment imports the very package that is running now: two checkouts may share one cache."""
    try:
        return (folder / _LINK_FOLDER / "tunewright").samefile(_package())
    except OSError:
        return False


@contextmanager
def locked(name: str, root: Path, report: Callable[[str], None]) -> Iterator[None]:
    """Hold the lock of one environment; a second process waits and says so."""
    root.mkdir(parents=True, exist_ok=True)
    with (root / f"{name}.lock").open("a") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            report(f"{name}: another process is making this environment; waiting for it")
            fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def _package() -> Path:
    return Path(next(iter(tunewright.__path__)))


def _site_packages(folder: Path) -> Path:
    return next(folder.glob("lib/python3.*/site-packages"))
