"""Several data sets become one sequence of rows, fixed by the seed. Standard library only."""

import random
from collections.abc import Mapping, Sequence
from typing import TypeVar

Item = TypeVar("Item")


def mixed(sets: Mapping[str, Sequence[Item]], weights: Mapping[str, float], how: str, seed: int) -> list[Item]:
    """Return the rows of all sets as one list.

    `concat`: one after the other, each repeated by its weight (2 doubles every row, 0.5 takes every second one by
    chance). `first_exhausted`, `all_exhausted`: each row is drawn from a set chosen by weight, until the first set is
    used up, or until all were; a set that is used up before begins again.
    """
    if how == "concat":
        return [row for name, rows in sets.items() for row in _repeated(rows, weights[name], _chance(seed, name))]
    if not all(sets.values()):
        return []
    chance = _chance(seed, "mix")
    names, shares = list(sets), [weights[name] for name in sets]
    taken = dict.fromkeys(sets, 0)
    unfinished = set(sets)
    result: list[Item] = []
    while unfinished:
        (name,) = chance.choices(names, shares)
        rows = sets[name]
        result.append(rows[taken[name] % len(rows)])
        taken[name] += 1
        if taken[name] == len(rows):
            unfinished = set() if how == "first_exhausted" else unfinished - {name}
    return result


def _repeated(rows: Sequence[Item], weight: float, chance: random.Random) -> list[Item]:
    whole, share = divmod(weight, 1)
    picked = set(chance.sample(range(len(rows)), round(len(rows) * share)))
    return list(rows) * int(whole) + [row for index, row in enumerate(rows) if index in picked]


def _chance(seed: int, name: str) -> random.Random:
    return random.Random(f"{seed}/{name}")  # noqa: S311 - not cryptography
