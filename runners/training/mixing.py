"""Several data sets become one sequence of rows, fixed by the seed. Standard library only."""

import random
from collections.abc import Iterator, Mapping


def mixed_order(
    counts: Mapping[str, int], weights: Mapping[str, float], how: str, seed: int
) -> Iterator[tuple[str, int]]:
    """Yield which row comes next, as the name of its set and its number in it; of each set they come in order.

    `concat`: one after the other, each repeated by its weight (2 doubles every row, 0.5 takes every second one by
    chance). `first_exhausted`, `all_exhausted`: each row is drawn from a set chosen by weight, until the first set is
    used up, or until all were; a set that is used up before begins again.
    """
    if how == "concat":
        for name, count in counts.items():
            yield from ((name, index) for index in _repeated(count, weights[name], _chance(seed, name)))
    elif all(counts.values()):
        yield from _drawn(counts, weights, how, _chance(seed, "mix"))


def _drawn(
    counts: Mapping[str, int], weights: Mapping[str, float], how: str, chance: random.Random
) -> Iterator[tuple[str, int]]:
    names, shares = list(counts), [weights[name] for name in counts]
    taken = dict.fromkeys(counts, 0)
    unfinished = set(counts)
    while unfinished:
        (name,) = chance.choices(names, shares)
        yield name, taken[name] % counts[name]
        taken[name] += 1
        if taken[name] == counts[name]:
            unfinished = set() if how == "first_exhausted" else unfinished - {name}


def _repeated(count: int, weight: float, chance: random.Random) -> Iterator[int]:
    whole, share = divmod(weight, 1)
    picked = set(chance.sample(range(count), round(count * share)))
    for _ in range(int(whole)):
        yield from range(count)
    yield from (index for index in range(count) if index in picked)


def _chance(seed: int, name: str) -> random.Random:
    return random.Random(f"{seed}/{name}")  # noqa: S311 - not cryptography
