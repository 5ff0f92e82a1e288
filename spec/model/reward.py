"""`rewards`: what generated replies are paid for."""

from typing import Annotated

from pydantic import Field

from tunewright.spec.model.section import Count, Section


class Reward(Section):
    """One reward: a built-in one, one of a package (`acme.politeness`), or a trained reward model."""

    name: str | None = None
    """A built-in reward (`exact_match`, `contains`, `json_valid`, `regex`, `length`) or a package's."""

    model: str | None = None
    """Instead of a name: a `reward` step, or a folder with a reward model (`dir:path`)."""

    weight: float | None = None
    """How much it counts beside the others; below 0 it is a penalty."""

    column: str | None = None
    """The column of the rows that holds what is expected (exact_match, contains)."""

    pattern: str | None = None
    """The regular expression to find (regex)."""

    least: Annotated[int, Field(ge=0)] | None = None
    """Fewest characters of a reply (length)."""

    most: Count | None = None
    """Most characters of a reply (length)."""

    options: dict[str, str | int | float | bool] | None = None
    """Settings for a package's reward, as the package documents them."""
