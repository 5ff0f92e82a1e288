"""Which rows a step sees: what becomes of those that are too long, and how several sets become one."""

from collections.abc import Mapping

from tunewright.compiler.importers.draft import Said
from tunewright.compiler.importers.training import Training
from tunewright.spec.methods import METHODS

_TRUNCATIONS: Mapping[str, str] = {
    "delete": "drop", "drop": "drop", "left": "start", "right": "end", "truncate": "end", "raise": "error",
}  # fmt: skip
_MIXES: Mapping[str, str] = {
    "concat": "concat",
    "interleave_under": "first_exhausted",
    "interleave_over": "all_exhausted",
    "first_exhausted": "first_exhausted",
    "all_exhausted": "all_exhausted",
}


def set_truncation(said: Said, step: Training) -> None:
    """Set what becomes of rows longer than `max_length`; where the method leaves no choice, say what it does."""
    ours = _TRUNCATIONS.get(str(said.value))
    if ours is None:
        step.drafting.lose(said.origin, "longer rows are cut at the end here")
    elif "truncation" in METHODS[str(step.get("method"))].own_keys:
        step.set("truncation", Said(ours, said.origin))
    elif ours != "end":
        step.drafting.assume(said.origin, "no row is longer than `max_length`: with this method longer ones are cut")
    else:
        step.drafting.leave(said.origin, "longer rows are cut at the end")


def set_mix(said: Said | None, step: Training, default: Said | None = None) -> None:
    """Set how sets become one; where they are drawn in turn their weights are probabilities, else they are none."""
    chosen = said or default
    if chosen is None:
        return
    ours = _MIXES.get(str(chosen.value))
    if ours is None:
        step.drafting.lose(chosen.origin, "sets are put one after the other, or drawn until one or all are used up")
    else:
        step.set("mix", Said(ours, chosen.origin))
