"""`evaluate`, `gate`, `approve`: what is measured, what must hold, who must agree."""

from typing import Annotated, Literal

from pydantic import Field

from tunewright.spec.model.runner import RunnerChoice
from tunewright.spec.model.section import Count, Duration, Name, Names, Section, Texts


class Evaluate(Section):
    """An evaluation step."""

    model: Name
    """The step whose model is measured, or `base`."""

    suites: Names
    """Names of `suites`, or of public benchmarks."""

    limit: Count | None = None
    """At most so many rows of each suite."""

    max_new_tokens: Count | None = None
    """Longest reply in tokens."""

    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    """0: always the likeliest token."""

    batch_size: Count | None = None
    """Rows answered at once."""

    system_prompt: str | None = None
    """System message put before prompts that have none."""

    runner: RunnerChoice | None = None
    """A runner of another package that asks and scores instead of ours: a name (`acme.exam`), or `name` and
    `options`.
    """


class Gate(Section):
    """A line across the page: nothing written below starts until every requirement holds."""

    require: Texts
    """Requirements over metrics, such as `exam.routing.exact >= exam_base.routing.exact + 0.3`."""

    on_fail: Literal["stop", "stop_and_alert", "alert"] | None = None
    """What happens when one does not hold."""


class Approve(Section):
    """A line across the page that people open."""

    role: str
    """Role of those who may approve."""

    approvers: Count | None = None
    """How many different people must agree; never the one who submitted."""

    expires: Duration | None = None
    """After this time without agreement the run stops."""
