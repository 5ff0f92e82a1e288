"""What to run when the environment that a process works in lacks a package. Standard library only."""

import re
import sys
from collections.abc import Iterable
from pathlib import Path

from tunewright.runners.environments.place import read_marker
from tunewright.runners.environments.table import ENVIRONMENTS, requirements

#: Modules whose package has another name.
_PACKAGES = {
    "PIL": "pillow",
    "yaml": "pyyaml",
    "sklearn": "scikit-learn",
    "google.protobuf": "protobuf",
    "megatron": "megatron-core",
}


def install_help(name: str, modules: Iterable[str]) -> str:
    """Return the command that adds what is missing to this very interpreter's environment `name`.

    Where the interpreter is none of ours the environment is to be made; `name` may be empty for a runner without one.
    """
    if name not in ENVIRONMENTS:
        return "install it where this runner's interpreter finds it"
    marker = read_marker(Path(sys.prefix))
    if marker is None:
        return f"make the environment: `tunewright env sync {name}`"
    # Into a site's own interpreter, not into the thin environment in front of it, which has no pip.
    python = marker.get("source", sys.executable)
    pins = {_normal(re.split(r"[=<>!~\[; ]", line, maxsplit=1)[0]): line for line in requirements(name)}
    wanted = [_pinned(module, pins) for module in modules]
    return f"install it there: `{python} -m pip install {' '.join(wanted or ['-r', _requirement_file(name)])}`"


def _pinned(module: str, pins: dict[str, str]) -> str:
    top = module.partition(".")[0]
    package = _normal(_PACKAGES.get(module) or _PACKAGES.get(top) or top)
    return pins.get(package, package)


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _requirement_file(name: str) -> str:
    return str(Path(__file__).parent / ENVIRONMENTS[name].requirement_file)
