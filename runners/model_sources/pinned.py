"""What a hub gave is held to the digests that the plan names, file by file, before anything reads it."""

from collections.abc import Mapping
from pathlib import Path

from tunewright.runners.sdk import Reporter, StepFailedError
from tunewright.spec.canonical import digest_of_file

_SHORT_DIGEST = len("sha256:") + 12


def hold_to_pins(folder: Path, pins: Mapping[str, str], report: Reporter, *, fetched: Path) -> None:
    """Compare the files in `folder` with `pins` (name to `sha256:...`); raise StepFailedError that names each file that
    is missing or another one.

    What is another one is removed from `fetched`, the hub's cache that it came from, so that it is not taken again.
    """
    report.phase(f"checking {len(pins)} files against the lock")
    found = []
    for name, pinned in sorted(pins.items()):
        report.check_cancelled()
        if not (folder / name).is_file():
            found.append(f"{name} is missing")
        elif (digest := digest_of_file(folder / name)) != pinned:
            found.append(f"{name} is {digest[:_SHORT_DIGEST]}, the lock says {pinned[:_SHORT_DIGEST]}")
            (fetched / name).resolve().unlink(missing_ok=True)
    if found:
        raise StepFailedError(
            f"what was fetched is not what is locked: {'; '.join(found)}",
            reason="MODEL_DRIFTED",
            help="run again to fetch it anew; if the hub has changed it, look at what it has now and accept that with "
            "`tunewright lock`",
        )
