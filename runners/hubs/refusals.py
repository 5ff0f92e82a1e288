"""Why something on a hub did not arrive, in words that help."""

from collections.abc import Sequence

from tunewright.runners.contract import ExitCode
from tunewright.runners.sdk import StepFailedError

_SHOWN = 5


def denied(name: str, why: str) -> StepFailedError:
    """The hub does not give it to us."""
    return StepFailedError(
        f"{name} {why}", reason="MODEL_DENIED", help="check the name, the revision and the access token"
    )


def unreachable(hub: str, name: str, error: Exception) -> StepFailedError:
    """The hub does not answer, or not to the end: another attempt may succeed."""
    words = str(error).splitlines()[0] if str(error) else type(error).__name__
    return StepFailedError(
        f"{name} could not be fetched from {hub}: {words}",
        reason="HUB_UNREACHABLE",
        help="check the network, or use a local model (`dir:` or `gguf:`); with HF_HUB_OFFLINE=1 only what is on this "
        "machine is used",
        code=ExitCode.TEMPORARY,
    )


def not_here(name: str, missing: Sequence[str]) -> StepFailedError:
    """Nothing may be fetched, and the caches do not have it."""
    said = f": {_shortened(missing)}" if missing else ""
    return StepFailedError(
        f"{name} is not complete on this machine{said}",
        reason="HUB_UNREACHABLE",
        help="HF_HUB_OFFLINE is set: unset it, fetch the model before, or use a local one (`dir:` or `gguf:`)",
        code=ExitCode.UNAVAILABLE,
    )


def drifted(faults: Sequence[str]) -> StepFailedError:
    """The hub gives something else than what the lock pins."""
    return StepFailedError(
        f"what is on the hub is not what is locked: {_shortened(faults)}",
        reason="MODEL_DRIFTED",
        help="if the hub has changed it, look at what it has now and accept that with `tunewright lock`",
    )


def wrong_bytes(hub: str, faults: Sequence[str]) -> StepFailedError:
    """The bytes that arrive are not those that the hub itself names, twice."""
    return StepFailedError(
        f"{hub} gave wrong bytes, twice: {_shortened(faults)}",
        reason="HUB_WRONG_BYTES",
        help="what was damaged is removed; use another mirror (`base.endpoint`), or run again later",
    )


def disk_full(needed: int, free: int, folder: str) -> StepFailedError:
    """It would not fit."""
    return StepFailedError(
        f"{needed / 1e9:.1f} GB are to be fetched and {free / 1e9:.1f} GB are free in {folder}",
        reason="DISK_FULL",
        help="free space, or set TUNEWRIGHT_CACHE to a folder on a bigger disk",
    )


def _shortened(items: Sequence[str]) -> str:
    more = f"; and {len(items) - _SHOWN} more" if len(items) > _SHOWN else ""
    return "; ".join(items[:_SHOWN]) + more
