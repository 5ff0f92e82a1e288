"""Load what another package adds, and say where it stopped. Standard library only."""

import sys
import traceback
from collections.abc import Callable
from importlib import metadata
from typing import Any

from tunewright.runners.contract import ExitCode
from tunewright.runners.sdk import StepFailedError
from tunewright.spec.plug_ins import GROUPS

#: The files of what was loaded here, with kind and name: a traceback that passes through one of them is its own.
_LOADED: dict[str, tuple[str, str]] = {}


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
    module = sys.modules.get(getattr(function, "__module__", None) or type(function).__module__)
    if (file := getattr(module, "__file__", None)) is not None:
        _LOADED[file] = kind, name
    return function


def failed(kind: str, name: str, place: str, error: Exception) -> StepFailedError:
    """Say where a plug-in stopped."""
    return StepFailedError(
        f"{place}: the {kind} `{name}` stopped{_where(error)}: {type(error).__name__}: {error}",
        reason="PLUG_IN_FAILED",
        help="correct the row, or the package",
    )


def stopped(error: BaseException) -> StepFailedError | None:
    """Return the failure that names file and line where an error comes out of a plug-in, None for another error."""
    frame = _own_frame(error)
    if frame is None:
        return None
    traceback.print_exception(error)
    kind, name = _LOADED[frame.filename]
    return StepFailedError(
        f"the {kind} `{name}` stopped{_where(error)}: {type(error).__name__}: {error}",
        reason="PLUG_IN_FAILED",
        help="correct the package and install it again; the whole traceback is in the step's log",
    )


def _where(error: BaseException) -> str:
    frame = _own_frame(error)
    return f" at {frame.filename}:{frame.lineno}" if frame is not None else ""


def _own_frame(error: BaseException) -> traceback.FrameSummary | None:
    """Return the innermost line of a plug-in that an error passed through."""
    frames = traceback.extract_tb(error.__traceback__)
    return next((frame for frame in reversed(frames) if frame.filename in _LOADED), None)
