"""THE table of tuners: which weights each lets learn, and which keys of `tuner` are its own.

Adding a tuner is one entry here and one small file in runners/training/tuners/. Standard library only.
"""

from collections.abc import Mapping
from dataclasses import field

from tunewright.spec.record import record

#: The keys of a low-rank adapter; their defaults follow from each other (compiler/passes/default_train.py).
LOW_RANK_KEYS = ("rank", "alpha", "dropout", "target_modules")


@record(kw_only=True)
class Tuner:
    """One way to choose the weights that learn.

    `word`: how plans call it. `makes_adapter`: the base stays as it is and the result lies beside it; else the result
    is a whole model. `low_rank`: it has a rank, a scale, a dropout and target modules. `options`: its own further keys
    with their defaults (None: may stay unset). `base_bits`: the base is held in so many bits (None: as it is).
    `family`: adapters of one family have the same weights, so one can go on where another stopped.
    `on_megatron`: the Megatron runner has it.
    """

    meaning: str
    word: str
    makes_adapter: bool = True
    low_rank: bool = False
    options: Mapping[str, object] = field(default_factory=dict)
    base_bits: int | None = None
    family: str = ""
    on_megatron: bool = False

    @property
    def own_keys(self) -> frozenset[str]:
        """The keys of `tuner`, apart from `type`, that mean something to it."""
        return frozenset(self.options) | (frozenset(LOW_RANK_KEYS) if self.low_rank else frozenset())


#: Further keys of every low-rank adapter.
_CHOICE: Mapping[str, object] = {"target_pattern": None, "modules_to_save": None}

TUNERS: Mapping[str, Tuner] = {
    "full": Tuner(meaning="All weights learn.", word="full", makes_adapter=False, on_megatron=True),
    "lora": Tuner(
        meaning="Low-rank adapters beside frozen weights.",
        word="LoRA",
        low_rank=True,
        options=_CHOICE,
        family="lora",
        on_megatron=True,
    ),
    "dora": Tuner(
        meaning="LoRA that learns size and direction apart: a little better, a little slower.",
        word="DoRA",
        low_rank=True,
        options=_CHOICE,
        family="dora",
    ),
    "rslora": Tuner(
        meaning="LoRA with a scale that stays sound at high ranks.",
        word="rsLoRA",
        low_rank=True,
        options=_CHOICE,
        family="rslora",
        on_megatron=True,
    ),
    "qlora": Tuner(
        meaning="LoRA on a base held in 4 bits, a quarter of its memory, or in 8.",
        word="QLoRA",
        low_rank=True,
        options={**_CHOICE, "bits": 4},
        base_bits=4,
        family="lora",
    ),
}

#: Keys of `tuner` that belong to some types only -> those types.
OWNERS: Mapping[str, tuple[str, ...]] = {
    key: tuple(name for name, tuner in TUNERS.items() if key in tuner.own_keys)
    for key in sorted({key for tuner in TUNERS.values() for key in tuner.own_keys})
}
