"""THE table of determinism levels: what each promises of a second run, from the weakest to the strongest.

A level includes all before it. Standard library only.
"""

from collections.abc import Mapping

RECORDED, RERUNNABLE, STATISTICAL, BITWISE = "recorded", "rerunnable", "statistical", "bitwise"

LEVELS: Mapping[str, str] = {
    RECORDED: "What went in and what it was made with is on record; of a second run nothing is promised.",
    RERUNNABLE: "All of it is bound by digest, the environment too: a second run does the same work in the same order.",
    STATISTICAL: "Nothing but rounding differs in a second run: its losses agree to a hundredth.",
    BITWISE: "A second run on an equal machine leaves the same bytes; what can't do that is refused.",
}


def includes(level: str, other: str) -> bool:
    """Say whether `level` promises all that `other` promises."""
    order = list(LEVELS)
    return order.index(level) >= order.index(other)
