"""What a rule is: a code, a check, and the words that explain it."""

from collections.abc import Callable
from enum import StrEnum

import yaml

from tunewright.compiler.passes.work import Work
from tunewright.spec.diagnostics import DiagnosticSink
from tunewright.spec.record import record
from tunewright.spec.source import SourceFile
from tunewright.spec.syntax import parse_node, plain_value


class Phase(StrEnum):
    """What a rule must know."""

    TEXT = "spec text"
    MODEL = "model metadata"
    DATA = "data rows"
    HARDWARE = "hardware"
    MACHINE = "this machine"


@record(kw_only=True)
class Rule:
    """One rule.

    `check` looks at the Work and reports to its sink; None when an earlier pass reports the code (syntax, shape,
    references).
    `resolved`: the check needs the ResolvedSpec and is skipped without one.
    `follows`: the places it concludes from, such as `resources` or `steps.@.train.beta`, `@` being the step that the
    finding is about and `*` any. Where a mistake is at one of them, the rule's finding follows from it and is muted.
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
    follows: tuple[str, ...] = ()


def in_block_style(example: str) -> str:
    """Return an example as people write specs; one of several lines is written so already."""
    if "\n" in example.strip() or not example.strip():
        return example
    node = parse_node(SourceFile("example", example), DiagnosticSink())
    return example if node is None else str(yaml.dump(plain_value(node), Dumper=_Dumper, sort_keys=False, width=100))


class _Dumper(yaml.SafeDumper):
    """Writes what `plain_value` returns."""


_Dumper.add_representer(tuple, yaml.representer.SafeRepresenter.represent_list)
