"""`runner`: who does the work of a step instead of us."""

from typing import Annotated, Any

from pydantic import BeforeValidator

from tunewright.spec.model.section import PlugIn, Section


class Runner(Section):
    """A runner of another package."""

    name: PlugIn
    """Its name, such as `acme.pack`."""

    options: dict[str, str | int | float | bool] | None = None
    """Settings for it, as the package documents them."""


def _named(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


RunnerChoice = Annotated[Runner, BeforeValidator(_named)]
"""A runner, or only its name."""
