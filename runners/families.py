"""Model families that other packages know: transformers hears of them before it reads a model's folder."""

from collections.abc import Iterable

from tunewright.runners.plug_ins import plug_in
from tunewright.runners.sdk import StepFailedError


def register_families(names: Iterable[str]) -> None:
    """Let the packages of some families (values of `model_type`) register their classes with transformers.

    The plan names them: of a family that is not named there no package's code is imported. Raises StepFailedError.
    """
    for name in names:
        register = plug_in("family", name)
        try:
            register()
        except Exception as error:  # whatever the package's own code raises
            raise StepFailedError(
                f"the package of the family `{name}` can't register it: {type(error).__name__}: {error}",
                reason="PLUG_IN_FAILED",
                help="correct the package, or install the release that fits this environment's transformers",
            ) from error
