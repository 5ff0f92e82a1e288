"""THE table of built-in rewards: what each pays for, and its own keys. Standard library only.

A reward is one number for one reply. Packages offer more (spec/plug_ins.py).
"""

from collections.abc import Mapping
from dataclasses import field

from tunewright.spec.record import record


@record(kw_only=True)
class Reward:
    """One built-in reward. `options`: its own keys with their defaults; `needs`: those that must be written.

    `columns`: the keys that name a column of the rows.
    """

    meaning: str
    options: Mapping[str, object] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()


REWARDS: Mapping[str, Reward] = {
    "exact_match": Reward(
        meaning="1 for a reply that equals a column of the row, apart from white space around it.",
        options={"column": "answer"},
        columns=("column",),
    ),
    "contains": Reward(
        meaning="1 for a reply that has the text of a column of the row in it.",
        options={"column": "answer"},
        columns=("column",),
    ),
    "json_valid": Reward(meaning="1 for a reply that is JSON and nothing else."),
    "regex": Reward(
        meaning="1 for a reply in which a regular expression is found.", options={"pattern": None}, needs=("pattern",)
    ),
    "length": Reward(
        meaning="1 for a reply of so many characters; less in proportion outside.",
        options={"least": 0, "most": None},
        needs=("most",),
    ),
}

#: Keys of a reward that belong to some built-in ones only -> those.
OWNERS: Mapping[str, tuple[str, ...]] = {
    key: tuple(name for name, reward in REWARDS.items() if key in reward.options)
    for key in sorted({key for reward in REWARDS.values() for key in reward.options})
}
