"""THE table of tuners: which weights each lets learn, which keys of `tuner` are its own, and what goes with it.

Adding a tuner is one entry here and one small file in runners/training/tuners/ (docs/contributing/adding-a-tuner.md).
Rules, defaults, estimates and the language follow from the fields. Standard library only.
"""

from collections.abc import Mapping
from dataclasses import field

from tunewright.spec.record import record

#: The keys of a low-rank adapter; their defaults follow from each other (compiler/passes/default_train.py).
LOW_RANK_KEYS = ("rank", "alpha", "dropout", "target_modules")

_EVERYWHERE = frozenset({"single", "ddp", "zero1", "zero2", "zero3", "fsdp2", "megatron"})
#: Every process holds all weights; only gradients and optimizer state are divided.
_WHOLE = frozenset({"single", "ddp", "zero1", "zero2"})
#: The tuner brings the optimizer itself, or watches it from outside: nothing else may take it apart.
_OWN_OPTIMIZER = frozenset({"single", "ddp"})

_PLAIN = frozenset({"plain"})
_ANY_LAYERS = frozenset({"plain", "liger"})
_LOW_RANK_LAYERS = frozenset({"plain", "fused", "liger", "unsloth"})

#: Methods of which every trainer is TRL's own, over texts, with no head or model beside.
_TEXT_METHODS = ("sft", "pretrain", "dpo", "kto", "orpo", "cpo", "simpo")

_EVERY_ENGINE = frozenset({"embedded", "vllm", "sglang", "lmdeploy"})
_EMBEDDED = frozenset({"embedded"})


@record(kw_only=True)
class Tuner:
    """One way to choose the weights that learn.

    `word`: how plans call it. `makes_adapter`: the base stays as it is and the result lies beside it; else the result
    is a whole model. `low_rank`: LoRA's two matrices beside frozen linear layers, whatever starts or steps them.

    Its keys: `form`, those of LOW_RANK_KEYS that it has; `rank`: the default rank where not every adapter's; `targets`:
    the roles of the linear layers it changes (compiler/facts/families.py), "" for all of them; `options`: its own
    further keys with their defaults (None: may stay unset). `needs_one_of`: of these keys one must be written.

    What learns: `learns` names how its parameters are counted (compiler/estimate/trained.py).

    What goes with it: `strategies` under which it learns right; `methods` that it can learn by (empty: all);
    `base_bits`: the base is held in so many bits (None: as it is); `packed_base`: it learns on a base that is quantised
    already; `optimizer`: the only `optim` it steps with, its own variant of it; `replays`: gradient checkpointing
    works; `packs`: rows may share a sequence; `kernels`: those that compute it (compiler/facts/kernels.py);
    `images`: rows may hold images.

    What it leaves: `family`: adapters of one family have the same weights, so one can go on where another stopped.
    `leaves` and `leaves_ranks`: the type of adapter that its result is, and how many times the rank that one has.
    `keeps_base`: with the tuner off the model is the one it started from. `merges`: its result can be melted into the
    base's weights. `continues`: a later step can go on in its adapter. `engines`: those that serve its result
    unmerged; none: it can be evaluated here, not served.
    """

    meaning: str
    word: str
    makes_adapter: bool = True
    low_rank: bool = False
    form: tuple[str, ...] = ()
    rank: int | None = None
    targets: str = ""
    options: Mapping[str, object] = field(default_factory=dict)
    needs_one_of: tuple[str, ...] = ()
    learns: str = "all"
    strategies: frozenset[str] = _WHOLE
    methods: tuple[str, ...] = ()
    base_bits: int | None = None
    packed_base: bool = False
    optimizer: str | None = None
    replays: bool = True
    packs: bool = True
    images: bool = False
    kernels: frozenset[str] = _ANY_LAYERS
    family: str = ""
    leaves: str = ""
    leaves_ranks: int = 1
    keeps_base: bool = True
    merges: bool = True
    continues: bool = True
    engines: frozenset[str] = _EMBEDDED

    @property
    def on_megatron(self) -> bool:
        """True when the Megatron runner has it."""
        return "megatron" in self.strategies

    @property
    def own_keys(self) -> frozenset[str]:
        """The keys of `tuner`, apart from `type`, that mean something to it."""
        return frozenset(self.options) | frozenset(self.form)


#: Further keys of adapters beside linear layers.
_CHOICE: Mapping[str, object] = {"target_pattern": None, "modules_to_save": None}


def _low_rank(meaning: str, word: str, *, options: Mapping[str, object] | None = None, **more: object) -> Tuner:
    """Return a tuner with LoRA's matrices."""
    return Tuner(
        **{  # type: ignore[arg-type]
            "meaning": meaning,
            "word": word,
            "low_rank": True,
            "form": LOW_RANK_KEYS,
            "options": {**_CHOICE, **(options or {})},
            "learns": "low_rank",
            "family": "lora",
            "kernels": _LOW_RANK_LAYERS,
            "images": True,
            "engines": _EVERY_ENGINE,
            **more,
        }
    )


TUNERS: Mapping[str, Tuner] = {
    "full": Tuner(
        meaning="All weights learn.",
        word="full",
        makes_adapter=False,
        images=True,
        strategies=_EVERYWHERE,
        engines=_EVERY_ENGINE,
    ),
    "lora": _low_rank("Low-rank adapters beside frozen weights.", "LoRA", strategies=_EVERYWHERE, packed_base=True),
    "dora": _low_rank(
        "LoRA that learns size and direction apart: a little better, a little slower.",
        "DoRA",
        learns="dora",
        strategies=_EVERYWHERE - {"megatron"},
        family="dora",
        engines=_EMBEDDED,
    ),
    "rslora": _low_rank(
        "LoRA with a scale that stays sound at high ranks.",
        "rsLoRA",
        strategies=_EVERYWHERE,
        packed_base=True,
        family="rslora",
    ),
    "qlora": _low_rank(
        "LoRA on a base held in 4 bits, a quarter of its memory, or in 8.",
        "QLoRA",
        options={"bits": 4},
        base_bits=4,
    ),
    "loraplus": _low_rank(
        "LoRA whose second matrix learns at a multiple of the rate: faster to the same loss.",
        "LoRA+",
        options={"ratio": 16.0},
        strategies=_OWN_OPTIMIZER,
        packed_base=True,
        methods=_TEXT_METHODS,
    ),
    "pissa": _low_rank(
        "LoRA that starts from the base's largest singular values; the result is plain LoRA of twice the rank.",
        "PiSSA",
        options={"iterations": 16},
        strategies=_OWN_OPTIMIZER,
        leaves="lora",
        leaves_ranks=2,
        keeps_base=False,
        methods=_TEXT_METHODS,
    ),
    "longlora": _low_rank(
        "LoRA for long rows: while learning, each token sees its group and half of the next; afterwards, everything.",
        "LongLoRA",
        options={"groups": 4},
        packed_base=True,
        packs=False,
        kernels=_LOW_RANK_LAYERS - {"unsloth"},
        images=False,
        leaves="lora",
        methods=_TEXT_METHODS,
    ),
    "freeze": Tuner(
        meaning="Some blocks or parameters learn in full, the others stay as they are.",
        word="freeze",
        makes_adapter=False,
        options={"layers": None, "patterns": None},
        needs_one_of=("layers", "patterns"),
        learns="layers",
        engines=_EVERY_ENGINE,
        methods=_TEXT_METHODS,
    ),
    "galore": Tuner(
        meaning="All weights learn, stepped in a subspace of their gradients: a fraction of the optimizer's memory.",
        word="GaLore",
        makes_adapter=False,
        form=("rank",),
        rank=128,
        options={"interval": 200, "scale": 0.25},
        strategies=_OWN_OPTIMIZER,
        optimizer="adamw_torch",
        engines=_EVERY_ENGINE,
        methods=_TEXT_METHODS,
    ),
    "q_galore": Tuner(
        meaning="GaLore with its projections in 4 bits, renewed less often where they have settled.",
        word="Q-GaLore",
        makes_adapter=False,
        form=("rank",),
        rank=128,
        options={"interval": 200, "scale": 0.25},
        strategies=_OWN_OPTIMIZER,
        optimizer="adamw_torch",
        engines=_EVERY_ENGINE,
        methods=_TEXT_METHODS,
    ),
    "lisa": Tuner(
        meaning="All weights learn, a few blocks at a time, drawn anew every so many steps.",
        word="LISA",
        makes_adapter=False,
        options={"active_layers": 2, "interval": 20},
        learns="drawn_layers",
        # Data parallel wrappers fix at the start which gradients they wait for.
        strategies=frozenset({"single"}),
        engines=_EVERY_ENGINE,
        methods=_TEXT_METHODS,
    ),
    "ia3": Tuner(
        meaning="One factor for each key, value and inner feature: the fewest parameters that still learn a task.",
        word="IA3",
        form=("target_modules",),
        targets="k v down",
        learns="factors",
        packed_base=True,
        family="ia3",
        methods=_TEXT_METHODS,
    ),
    "vera": Tuner(
        meaning="Two small vectors a layer between random matrices that all layers share.",
        word="VeRA",
        form=("rank", "dropout", "target_modules"),
        rank=256,
        options=_CHOICE,
        learns="vectors",
        packed_base=True,
        family="vera",
        methods=_TEXT_METHODS,
    ),
    "oft": Tuner(
        meaning="Layers are turned, block by block, not added to: what neurons mean to each other stays.",
        word="OFT",
        form=("dropout", "target_modules"),
        options={**_CHOICE, "block_size": 32},
        learns="rotations",
        packed_base=True,
        family="oft",
        methods=_TEXT_METHODS,
    ),
    "loha": Tuner(
        meaning="Like LoRA, with the product of two low-rank matrices, element by element: a higher rank for its size.",
        word="LoHa",
        form=LOW_RANK_KEYS,
        options=_CHOICE,
        learns="products",
        family="loha",
        methods=_TEXT_METHODS,
    ),
    "prompt": Tuner(
        meaning="Some vectors before every text, instead of words, are all that learns.",
        word="prompt",
        options={"num_virtual_tokens": 16},
        learns="virtual_tokens",
        packed_base=True,
        family="prompt",
        methods=("sft",),
        kernels=_PLAIN,
        packs=False,
        merges=False,
        continues=False,
    ),
    "prefix": Tuner(
        meaning="Some keys and values before every text, in each layer, are all that learns.",
        word="prefix",
        options={"num_virtual_tokens": 16},
        learns="virtual_keys",
        packed_base=True,
        family="prefix",
        methods=("sft",),
        kernels=_PLAIN,
        replays=False,
        packs=False,
        merges=False,
        continues=False,
        engines=frozenset(),
    ),
    "bottleneck": Tuner(
        meaning="A small network after each block: down, a bend, up.",
        word="bottleneck",
        form=("rank",),
        rank=64,
        learns="bottlenecks",
        strategies=_OWN_OPTIMIZER,
        family="bottleneck",
        keeps_base=False,
        merges=False,
        methods=_TEXT_METHODS,
    ),
    "reft": Tuner(
        meaning="The stream between blocks is edited in a small subspace (LoReFT), at every token.",
        word="ReFT",
        form=("rank",),
        rank=4,
        options={"layers": None},
        learns="interventions",
        strategies=_OWN_OPTIMIZER,
        family="reft",
        keeps_base=False,
        merges=False,
        methods=_TEXT_METHODS,
    ),
}

#: Keys of `tuner` that belong to some types only -> those types.
OWNERS: Mapping[str, tuple[str, ...]] = {
    key: tuple(name for name, tuner in TUNERS.items() if key in tuner.own_keys)
    for key in sorted({key for tuner in TUNERS.values() for key in tuner.own_keys})
}
