"""check_rules: every rule looks at the whole; findings are collected."""

from tunewright.compiler.passes.work import Work
from tunewright.compiler.rules import RULES


def check_rules(work: Work) -> Work:
    """Run every rule whose form is there."""
    for rule in RULES:
        if rule.check is not None and (work.resolved is not None or not rule.resolved):
            rule.check(work)
    return work
