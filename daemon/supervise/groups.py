"""Where the control groups of attempts are, and whether limits can be kept there (Linux, version 2).

A group whose children have limits may hold no processes of its own. So limits need a group that holds the daemon's own
and those of the attempts side by side: systemd makes it for a unit with `Delegate=yes` and `DelegateSubgroup=daemon`.
Without, attempts still get groups of their own, below the daemon's: what they start can be found and killed there.
"""

import contextlib
import os
import re
import time
from dataclasses import dataclass
from pathlib import Path

from tunewright.compiler.ir.plan import StepResources
from tunewright.runners.contract import Limits

_MEMBERSHIP = Path("/proc/self/cgroup")
_MOUNTS = Path("/proc/self/mountinfo")
#: The subgroup that systemd puts the daemon into (`DelegateSubgroup=`).
_OWN = "daemon"
_CONTROLLERS = ("cpu", "memory")
_FORGOTTEN_SECONDS = 3600.0
#: The name of an attempt's group: run, step, number.
_OURS = re.compile(r"\d{8}-\d{6}-[0-9a-f]{4}-\w+-\d+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Groups:
    """`root` holds the groups of attempts, None where none can be made. `enforced`: limits are kept there; `reason`
    says where, or why not.
    """

    root: Path | None = None
    enforced: bool = False
    reason: str = ""

    def folder(self, run: str, step: str, attempt: int) -> Path | None:
        """Return the group of an attempt."""
        return None if self.root is None else self.root / f"{run}-{step}-{attempt}"

    def limits(self, wanted: StepResources | None, run: str, step: str, attempt: int) -> Limits:
        """Return what an attempt is held to here."""
        folder = self.folder(run, step, attempt)
        kept = wanted if wanted is not None and self.enforced else StepResources()
        return Limits(memory_bytes=kept.memory_bytes, cpus=kept.cpus, group=None if folder is None else str(folder))


def find_groups(given: Path | None = None, membership: Path = _MEMBERSHIP, mounts: Path = _MOUNTS) -> Groups:
    """Return where attempts get their groups: below `given`, else where this process is; it is tried out."""
    chain = (given,) if given is not None else _chain(membership, mounts)
    if not chain:
        return Groups(reason="the system has no control groups of version 2")
    root = chain[-1]
    try:
        root.mkdir(exist_ok=True)
        for group in chain:
            with contextlib.suppress(OSError):  # whether it has helped is looked at below
                (group / "cgroup.subtree_control").write_text(_switched_on(group), "ascii")
        _sweep(root)
        return _tried(root)
    except OSError as error:
        return Groups(reason=f"the control group {root} can't be used: {error.strerror}")


def _sweep(root: Path) -> None:
    """Remove empty groups of attempts whose daemon never came back, of any home. One that is new may be filled soon."""
    for folder in root.iterdir():
        with contextlib.suppress(OSError):  # somebody is in it
            if _OURS.fullmatch(folder.name) and time.time() - folder.stat().st_mtime > _FORGOTTEN_SECONDS:
                folder.rmdir()


def _tried(root: Path) -> Groups:
    probe = root / f"probe-{os.getpid()}"
    probe.mkdir()
    try:
        missing = [name for name in _CONTROLLERS if not (probe / f"{name}.max").exists()]
    finally:
        probe.rmdir()
    if not missing:
        return Groups(root=root, enforced=True, reason=f"by control groups below {root}")
    return Groups(
        root=root,
        reason=f"the control group {root} has no say about {' and '.join(missing)}"
        " (systemd gives it to a unit with Delegate=yes and DelegateSubgroup=daemon)",
    )


def _chain(membership: Path, mounts: Path) -> tuple[Path, ...]:
    """Return the groups that hand control down to those of attempts, the nearest last; none without control groups."""
    top, path = _mount_point(mounts), _own_path(membership)
    if top is None or path is None:
        return ()
    own = top / path.lstrip("/")
    if own == top:  # the whole machine's, or a container's: not to be littered
        return own, own / "tunewright"
    return (own.parent,) if own.name == _OWN else (own,)


def _own_path(membership: Path) -> str | None:
    with contextlib.suppress(OSError):
        for line in membership.read_text("utf-8").splitlines():
            if line.startswith("0::"):
                return line.removeprefix("0::")
    return None


def _mount_point(mounts: Path) -> Path | None:
    with contextlib.suppress(OSError):
        for line in mounts.read_text("utf-8").splitlines():
            place, _, kind = line.partition(" - ")
            if kind.split(" ", 1)[0] == "cgroup2":
                return Path(place.split(" ")[4])
    return None


def _switched_on(group: Path) -> str:
    there = (group / "cgroup.controllers").read_text("ascii").split()
    return " ".join(f"+{name}" for name in _CONTROLLERS if name in there)
