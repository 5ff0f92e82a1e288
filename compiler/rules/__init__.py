"""The rules, one family a file. Adding one: its row in spec/codes.py, the rule in its family, a case under
tests/compiler/cases/.
"""

from tunewright.compiler.rules import (
    adapters,
    agreement,
    alerts,
    arithmetic,
    base_model,
    capacity,
    data,
    determinism,
    division,
    evaluation,
    generation,
    governance,
    labels,
    measuring,
    methods,
    parallelism,
    plug_ins,
    references,
    release,
    rows,
    shape,
    standards,
    supervision,
    training,
    tuned_weights,
    tuning,
    watching,
)
from tunewright.compiler.rules.rule import Rule

RULES: tuple[Rule, ...] = (
    *shape.RULES,
    # A source that is not understood is not looked for.
    *references.RULES,
    *data.RULES,
    *base_model.RULES,
    *rows.RULES,
    *plug_ins.RULES,
    *tuned_weights.RULES,
    *arithmetic.RULES,
    *training.RULES,
    *methods.RULES,
    *generation.RULES,
    *labels.RULES,
    *watching.RULES,
    *determinism.RULES,
    *tuning.RULES,
    *adapters.RULES,
    *parallelism.RULES,
    *division.RULES,
    *evaluation.RULES,
    *measuring.RULES,
    *release.RULES,
    *supervision.RULES,
    *capacity.RULES,
    *agreement.RULES,
    *governance.RULES,
    *alerts.RULES,
    *standards.RULES,
)


def explanation(code: str) -> Rule | None:
    """Return the rule that explains a code, or None for a code that is not in the table."""
    return next((rule for rule in RULES if rule.code == code), None)
