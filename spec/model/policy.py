"""The policy of an organisation: what a spec must not do, whatever its author allows."""

from typing import Annotated, Literal

from pydantic import Field

from tunewright.spec.model.release import Engine, QuantizeMethod
from tunewright.spec.model.section import Count, Section, SpecName

POLICY_VERSION = "tunewright/policy/v1"

Code = Annotated[str, Field(pattern=r"^TW\d{4}$")]

Hub = Literal["hf", "ms"]


class Forbid(Section):
    """What may not stand in a spec."""

    remote_code: bool | None = None
    """Running Python code that a model's folder brings."""

    unpinned_sources: bool | None = None
    """Models and data of a hub without a revision."""

    public_benchmarks: bool | None = None
    """Benchmarks that are not local files: models may have seen their questions."""

    hubs: tuple[Hub, ...] = ()
    """Hubs that nothing may come from: `hf`, `ms`."""

    engines: tuple[Engine, ...] = ()
    """Engines that nothing may be served with."""

    quantization: tuple[QuantizeMethod, ...] = ()
    """Methods that no model may be quantised with."""


class Require(Section):
    """What a spec must have."""

    approvers: Count | None = None
    """The fewest people who must agree in every `approve` step."""

    approval_before_deploy: bool | None = None
    """Every `deploy` step stands below an `approve` step."""

    gate_before_deploy: bool | None = None
    """Every `deploy` step stands below a `gate` step that stops."""


class Policy(Section):
    """A policy file."""

    api_version: Literal["tunewright/policy/v1"]
    """Version of this language: `tunewright/policy/v1`."""

    name: SpecName
    """Name of the policy; findings and plans carry it."""

    description: str | None = None
    """For people."""

    errors: tuple[Code, ...] = ()
    """Warnings that count as errors here; nobody can allow them."""

    forbid: Forbid = Field(default_factory=Forbid)
    """What may not stand in a spec."""

    require: Require = Field(default_factory=Require)
    """What a spec must have."""
