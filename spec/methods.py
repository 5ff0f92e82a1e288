"""THE table of training methods: what each learns from, which keys of `train` are its own, what it costs.

Adding a method is one entry here and one file in runners/training/methods/; everything else follows from the entry:
the words of the language, which keys are refused, defaults, the fit of data, memory and time. Standard library only.

Learning rates: adapters take about ten times the rate of full fine-tuning (Biderman et al. 2024, "LoRA Learns Less and
Forgets Less"); preference methods take rates well below supervised ones (TRL's own defaults and examples, 1.16). A
changed default changes plans: raise DEFAULTS_VERSION in compiler/facts/defaults.py with it.
"""

from collections.abc import Mapping
from dataclasses import field

from tunewright.spec.record import record

BETA = 0.1


@record(kw_only=True)
class Method:
    """One training method.

    `formats`: row formats it learns from (spec/formats.py); `needs`: what it needs in every row, in words.
    `options`: its own keys of `train` with their defaults (None: may stay unset).
    `learning_rate`: default peak rate `(for adapters, for all weights)`; `epochs`: default passes over the data.
    `sequences`: sequences that one row becomes, run side by side. `has_reference`: compares with a frozen copy of the
    model it starts from. `packs`: several rows may share a sequence. `chooses_loss`: `loss_on` means something to it.
    `on_megatron`: the Megatron runner has it. `sees_images`: rows may name images, where the base model sees them.
    `sampling`: default order of the rows.
    """

    meaning: str
    formats: tuple[str, ...]
    needs: str
    learning_rate: tuple[float, float]
    epochs: float = 1.0
    options: Mapping[str, object] = field(default_factory=dict)
    sequences: int = 1
    has_reference: bool = False
    packs: bool = False
    chooses_loss: bool = False
    on_megatron: bool = False
    sees_images: bool = False
    sampling: str = "random"

    @property
    def own_keys(self) -> frozenset[str]:
        """The keys of `train` that mean something to this method and not to every one."""
        return frozenset(self.options) | (frozenset({"loss_on"}) if self.chooses_loss else frozenset())


METHODS: Mapping[str, Method] = {
    "sft": Method(
        meaning="Supervised: learn to give the replies of the rows.",
        formats=("messages", "prompt_completion", "instruction", "text"),
        needs="a reply",
        learning_rate=(2.0e-4, 1.0e-5),
        epochs=3.0,
        packs=True,
        chooses_loss=True,
        on_megatron=True,
        sees_images=True,
    ),
    "dpo": Method(
        meaning="From pairs of a better and a worse reply, held near the model it starts from.",
        formats=("preference",),
        needs="`chosen` and `rejected`",
        learning_rate=(2.0e-5, 5.0e-7),
        options={"beta": BETA, "loss_type": "sigmoid", "sft_weight": None},
        sequences=2,
        has_reference=True,
        on_megatron=True,
    ),
    "orpo": Method(
        meaning="Supervised and from pairs in one step, without a reference model.",
        formats=("preference",),
        needs="`chosen` and `rejected`",
        learning_rate=(2.0e-5, 5.0e-6),
        options={"beta": BETA},
        sequences=2,
    ),
    "kto": Method(
        meaning="From single replies marked good or bad.",
        formats=("kto", "preference"),
        needs="`completion` and `label`",
        learning_rate=(2.0e-5, 5.0e-7),
        options={"beta": BETA, "desirable_weight": 1.0, "undesirable_weight": 1.0},
        has_reference=True,
        sampling="sequential",  # its KL term compares each row with its neighbours in a fixed order
    ),
}

#: Keys of `train` that belong to some methods only -> those methods.
OWNERS: Mapping[str, tuple[str, ...]] = {
    key: tuple(name for name, method in METHODS.items() if key in method.own_keys)
    for key in sorted({key for method in METHODS.values() for key in method.own_keys})
}
