"""check_rules: every rule looks at the whole; findings are collected, those that follow from others are not."""

from tunewright.compiler.passes.follow_ons import without_follow_ons
from tunewright.compiler.passes.work import Work
from tunewright.compiler.rules import RULES


def check_rules(work: Work) -> Work:
    """Run every rule whose form is there."""
    with without_follow_ons(work, RULES):
        for rule in RULES:
            if rule.check is not None and (work.resolved is not None or not rule.resolved):
                rule.check(work)
    return work
