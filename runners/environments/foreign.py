"""Register a site's own interpreter (an image with its accelerator's builds) instead of our pinned environment."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

from tunewright.runners.contract import write_durably
from tunewright.runners.environments.place import MARKER, foreign_folder, link_package, locked
from tunewright.runners.environments.sync import EnvironmentSyncError
from tunewright.runners.environments.table import environment

_INSPECT = """
import json, sys, sysconfig
from importlib import metadata
packages = sorted({f"{item.metadata['Name']}=={item.version}" for item in metadata.distributions()})
sites = list(dict.fromkeys(sysconfig.get_paths()[key] for key in ("purelib", "platlib")))
print(json.dumps({"version": list(sys.version_info[:3]), "packages": packages, "sites": sites}))
"""


def use(name: str, python: Path, root: Path) -> Path:
    """Make `python` the interpreter of an environment and return the interpreter to start runners with.

    A thin environment is laid over the site's one, so that nothing is written into it; its digest is what it has
    installed.
    Raises EnvironmentSyncError when it does not answer or is too old.
    """
    import subprocess  # every command reads the table of environments, few change one

    environment(name)
    seen = _inspect(python)
    if tuple(seen["version"]) < (3, 11):
        raise EnvironmentSyncError(
            f"{python} is Python {'.'.join(map(str, seen['version']))}; runners need 3.11 or newer"
        )
    folder = foreign_folder(name, root)
    with locked(name, root, lambda _: None):
        shutil.rmtree(folder, ignore_errors=True)
        made = subprocess.run(
            [python, "-m", "venv", "--without-pip", folder], capture_output=True, text=True, check=False
        )
        if made.returncode != 0:
            raise EnvironmentSyncError(
                f"{python} can't make a virtual environment: {(made.stderr or made.stdout).strip()[-400:]}"
            )
        link_package(folder, more_sites=tuple(seen["sites"]))
        installed = hashlib.sha256("\n".join(seen["packages"]).encode("utf-8")).hexdigest()
        version = ".".join(map(str, seen["version"]))
        write_durably(
            folder / MARKER, {"name": name, "digest": f"sha256:{installed}", "python": version, "source": str(python)}
        )
    return folder / "bin" / "python"


def _inspect(python: Path) -> dict[str, Any]:
    import subprocess

    try:
        answer = subprocess.run([python, "-P", "-c", _INSPECT], capture_output=True, text=True, timeout=60, check=True)
        seen: dict[str, Any] = json.loads(answer.stdout)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise EnvironmentSyncError(f"{python} does not answer as a Python interpreter: {error}") from error
    return seen
