"""`base`: the model that everything starts from."""

from typing import Annotated

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from tunewright.spec.endpoints import endpoint_problem
from tunewright.spec.model.section import Section


def _endpoint(value: str) -> str:
    if not value.startswith("${env:") and (problem := endpoint_problem(value)) is not None:
        raise PydanticCustomError("endpoint", "no address of a hub: {problem}", {"problem": problem})
    return value.rstrip("/")


class Base(Section):
    """The base model."""

    model: str
    """Where the model is: `hf://org/name@revision`, `ms://org/name@revision`, `dir:path`, `gguf:path` or
    `package:distribution/file`.
    """

    trust_remote_code: bool | None = None
    """Run Python code that the model's folder brings. Off unless written; a plan says so."""

    endpoint: Annotated[str, AfterValidator(_endpoint)] | None = None
    """Address of a mirror that the model and data sets on its hub are fetched from, such as
    `https://hub.example.com`; without encryption only on this machine. The token goes to no other host.
    """

    token: str | None = None
    """Access token for a hub or mirror, as a reference: `${secret:NAME}`."""


def serves(base: Base, source: str) -> bool:
    """Say whether `token` and `endpoint` of the base are for a source too: they go to one hub alone.

    That is the model's; where the model is on no hub, the one of the data.
    """
    hub = base.model.partition("://")[0]
    return hub not in ("hf", "ms") or source.startswith(f"{hub}://")
