"""Load what another package adds. Standard library only."""

from collections.abc import Callable
from importlib import metadata
from typing import Any

from tunewright.runners.contract import ExitCode
from tunewright.runners.sdk import StepFailedError
from tunewright.spec.plug_ins import GROUPS


def plug_in(kind: str, name: str) -> Callable[..., Any]:
    """Return the function that a package offers as `name`; raise StepFailedError where none does or it can't load."""
    group = GROUPS[kind]
    found = next(iter(metadata.entry_points(group=group, name=name)), None)
    if found is None:
        raise StepFailedError(
            f"no package here offers the {kind} `{name}`",
            reason="PLUG_IN_MISSING",
            help=f"install the package that has `{name}` in its entry-point group `{group}` into this step's "
            "environment; `tunewright env list --json` names its interpreter",
            code=ExitCode.UNAVAILABLE,
        )
    try:
        function: Callable[..., Any] = found.load()
    except Exception as error:  # whatever the package's own module raises while it is imported
        raise StepFailedError(
            f"the {kind} `{name}` can't be loaded: {type(error).__name__}: {error}",
            reason="PLUG_IN_BROKEN",
            help=f"it is `{found.value}`; import it with the environment's interpreter",
            code=ExitCode.UNAVAILABLE,
        ) from error
    if not callable(function):
        raise StepFailedError(
            f"the {kind} `{name}` is no function",
            reason="PLUG_IN_BROKEN",
            help=f"its entry point `{found.value}` must name one",
            code=ExitCode.UNAVAILABLE,
        )
    return function


def failed(kind: str, name: str, place: str, error: Exception) -> StepFailedError:
    """Say where a plug-in stopped."""
    return StepFailedError(
        f"{place}: the {kind} `{name}` stopped: {type(error).__name__}: {error}",
        reason="PLUG_IN_FAILED",
        help="correct the row, or the package",
    )
