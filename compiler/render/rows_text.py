"""The rows that steps learn from, as a plan shows them: how many, how long in tokens, how many of them are cut."""

from tunewright.compiler.ir.facts import Facts
from tunewright.compiler.ir.resolved import ResolvedSpec, ResolvedTrain
from tunewright.compiler.ir.tokens import TokenFacts
from tunewright.compiler.render.columns import aligned
from tunewright.compiler.render.quantities import counted


def rows_lines(resolved: ResolvedSpec, facts: Facts) -> list[str]:
    """Return one line for each data set that `facts.tokens` says something about, and one with what is not known."""
    rows = [(name, *_cells(name, item, resolved)) for name, item in facts.tokens.items()]
    reasons = dict.fromkeys(item.unknown for item in facts.tokens.values() if item.unknown)
    return aligned(rows) + [f"  tokens are not known: {reason}" for reason in reasons]


def _cells(name: str, tokens: TokenFacts, resolved: ResolvedSpec) -> tuple[str, str, str]:
    rows = counted(tokens.rows, "row")
    if not tokens.lengths:
        return rows, "", ""
    spread = f"tokens: median {tokens.percentile(0.5):,}, p99 {tokens.percentile(0.99):,}, longest {tokens.longest:,}"
    if tokens.looked_at < tokens.rows:
        spread += f" (of {tokens.looked_at:,} rows)"
    return rows, spread, "; ".join(dict.fromkeys(_cut(tokens, train) for train in _learners(name, resolved)))


def _learners(name: str, resolved: ResolvedSpec) -> list[ResolvedTrain]:
    return [train for _, train in resolved.trains() if name in train.data]


def _cut(tokens: TokenFacts, train: ResolvedTrain) -> str:
    share = tokens.share_longer(train.max_length)
    if not share:
        return f"none cut at {train.max_length:,}"
    about = "" if tokens.looked_at == tokens.rows else "about "
    number = max(1, round(share * tokens.rows))
    return f"{about}{number:,} cut at {train.max_length:,} ({max(share, 0.001):.1%})"
