"""The rules, one family a file. Adding one: its row in spec/codes.py, the rule in its family, a case under tests/compiler/cases/."""

from tunewright.compiler.rules.rule import Rule

FAMILIES: tuple[tuple[Rule, ...], ...] = ()

RULES: tuple[Rule, ...] = tuple(rule for family in FAMILIES for rule in family)


def explanation(code: str) -> Rule | None:
    """Return the rule that explains a code, or None for a code that is not in the table."""
    return next((rule for rule in RULES if rule.code == code), None)
