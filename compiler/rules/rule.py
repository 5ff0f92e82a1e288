"""What a rule is: a code, a check, and the words that explain it."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from tunewright.compiler.passes.work import Work


class Phase(StrEnum):
    """What a rule must know."""

    TEXT = "spec text"
    MODEL = "model metadata"
    DATA = "data rows"
    HARDWARE = "hardware"
    MACHINE = "this machine"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule.

    `check` looks at the Work and reports to its sink; None when an earlier pass reports the code (syntax, shape,
    references).
    `resolved`: the check needs the ResolvedSpec and is skipped without one.
    `why` says what users would meet without the rule; `bad` and `good` are YAML: a whole spec, or an overlay of the
    sample spec of the tests.
    """

    code: str
    phase: Phase
    why: str
    bad: str
    good: str
    check: Callable[[Work], None] | None = None
    resolved: bool = True
