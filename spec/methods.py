"""THE table of training methods: what each learns from, which keys of `train` are its own, what it costs.

Adding a method is one entry here and one file in runners/training/methods/; everything else follows from the entry:
the words of the language, which keys are refused, defaults, the fit of data, memory and time. Standard library only.

Learning rates: adapters take about ten times the rate of full fine-tuning (Biderman et al. 2024, "LoRA Learns Less and
Forgets Less"); preference methods take rates well below supervised ones (TRL's own defaults and examples, 1.16). A
changed default changes plans: raise DEFAULTS_VERSION in compiler/facts/defaults.py with it.
"""

from collections.abc import Mapping
from dataclasses import field
from typing import Literal

from tunewright.spec.record import record

BETA = 0.1


@record(kw_only=True)
class Method:
    """One training method.

    `word`: how plans call it; nothing for the ordinary one. `formats`: row formats it learns from (spec/formats.py);
    `needs`: what it needs in every row, in words.
    `learning_rate`: default peak rate `(for adapters, for all weights)`; `epochs`: default passes over the data.
    `options`: its own keys of `train` with their defaults (None: may stay unset); `words` and `ranges` say which values
    such a key may have where other methods use it otherwise: the words, or the least and the greatest number.
    `smoothed`: losses that heed `label_smoothing`. `loss_on`: which parts of a row its loss may be on; empty where that
    is not a choice.
    `packing`: how several rows may share a sequence, the default first; empty where rows stay apart. `packed`: they do
    so unless the spec says otherwise.
    `sequences`: sequences that one row becomes, run side by side. `has_reference`: compares with a frozen copy of the
    model it starts from; `needs_adapter`: that is the model without its adapter. `fused_loss`: the loss is computed in
    tiles, without the logits of a whole batch.
    `generates`: it learns from replies that it generates itself. `makes`: what the trained model answers with.
    `batch`: default rows that a process takes at once, where not every method's.
    `on_megatron`: the Megatron runner has it. `tokenizes`: we make the tokens of its rows, ahead where that helps.
    `sees_images`: rows may name images, where the base model sees them. `sampling`: default order of the rows.
    """

    meaning: str
    word: str
    formats: tuple[str, ...]
    needs: str
    learning_rate: tuple[float, float]
    epochs: float = 1.0
    options: Mapping[str, object] = field(default_factory=dict)
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    smoothed: tuple[str, ...] = ()
    loss_on: tuple[str, ...] = ()
    packing: tuple[str, ...] = ()
    packed: bool = False
    sequences: int = 1
    has_reference: bool = False
    fused_loss: bool = False
    needs_adapter: bool = False
    generates: bool = False
    makes: Literal["text", "score", "label", "vector"] = "text"
    batch: int | None = None
    on_megatron: bool = False
    tokenizes: bool = False
    sees_images: bool = False
    sampling: str = "random"

    def compares(self, options: Mapping[str, object]) -> bool:
        """Say whether it needs its reference with these options: without a penalty nothing is compared."""
        return self.has_reference and options.get("beta") != 0

    @staticmethod
    def replies_per_row(options: Mapping[str, object]) -> int:
        """Return how many replies are generated to a prompt, which are what a batch counts; 1 elsewhere."""
        return _whole(options.get("num_generations"))

    @staticmethod
    def uses(options: Mapping[str, object]) -> int:
        """Return in how many optimizer steps the same replies are learnt from; 1 where none are generated."""
        return _whole(options.get("num_iterations"))

    @property
    def is_rewarded(self) -> bool:
        """Say whether rewards are among its figures: replies are compared, or paid for."""
        return "rewards" in self.options or bool({"preference", "kto"}.intersection(self.formats))

    @property
    def has_turns(self) -> bool:
        """Say whether its rows hold what somebody says, which a chat template puts in order."""
        return not WITHOUT_TURNS.issuperset(self.formats)

    @property
    def own_keys(self) -> frozenset[str]:
        """The keys of `train` that mean something to this method and not to every one."""
        loss = {"loss_on"} if self.loss_on else set()
        turns = {"system_prompt"} if self.has_turns else set()
        tokens = {"truncation", "tokenize"} if self.tokenizes else set()
        return frozenset(self.options) | loss | turns | tokens


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 1


_PAIRS = ("preference",)
#: Formats of rows in which nobody speaks.
WITHOUT_TURNS = frozenset({"text", "text_label", "anchor_positive"})
_BOTH_REPLIES = "`chosen` and `rejected`"
#: What methods share that learn from rewards for replies of their own.
_GENERATION: Mapping[str, object] = {"rewards": None, "max_completion_length": 256, "temperature": 1.0}
#: A penalty of 0 would leave a preference method without its reference or its margin.
_SOME_BETA = {"beta": (1e-3, 100.0)}

METHODS: Mapping[str, Method] = {
    "pretrain": Method(
        meaning="Go on reading plain text, many documents to a sequence.",
        word="pre-training",
        formats=("text",),
        needs="`text`",
        learning_rate=(1.0e-4, 1.0e-5),
        options={"packing_strategy": "bfd_split", "loss": None},
        packing=("bfd_split", "bfd", "wrapped"),
        packed=True,
        fused_loss=True,
    ),
    "sft": Method(
        meaning="Supervised: learn to give the replies of the rows.",
        word="",
        formats=("messages", "prompt_completion", "instruction", "text"),
        needs="a reply",
        learning_rate=(2.0e-4, 1.0e-5),
        epochs=3.0,
        options={"packing_strategy": "bfd", "loss": None},
        packing=("bfd",),
        loss_on=("completion", "replies", "all"),
        fused_loss=True,
        tokenizes=True,
        on_megatron=True,
        sees_images=True,
    ),
    "reward": Method(
        meaning="Learn to score replies from pairs of a better and a worse one.",
        word="reward model",
        formats=_PAIRS,
        needs=_BOTH_REPLIES,
        learning_rate=(1.0e-4, 1.0e-5),
        options={"center_rewards_coefficient": None},
        sequences=2,
        makes="score",
    ),
    "dpo": Method(
        meaning="From pairs of a better and a worse reply, held near the model it starts from.",
        word="DPO",
        formats=_PAIRS,
        needs=_BOTH_REPLIES,
        learning_rate=(2.0e-5, 5.0e-7),
        options={"beta": BETA, "loss_type": "sigmoid", "label_smoothing": 0.0, "sft_weight": None},
        words={
            "loss_type": (
                "sigmoid",
                "hinge",
                "ipo",
                "robust",
                "exo_pair",
                "nca_pair",
                "sppo_hard",
                "aot",
                "aot_unpaired",
                "apo_zero",
                "apo_down",
                "sigmoid_norm",
            ),
        },
        smoothed=("robust", "exo_pair"),
        ranges=_SOME_BETA,
        sequences=2,
        has_reference=True,
        fused_loss=True,
    ),
    "cpo": Method(
        meaning="From pairs, beside learning the better reply, without a reference model.",
        word="CPO",
        formats=_PAIRS,
        needs=_BOTH_REPLIES,
        learning_rate=(2.0e-5, 1.0e-6),
        options={"beta": BETA, "loss_type": "sigmoid", "label_smoothing": 0.0, "cpo_alpha": 1.0},
        words={"loss_type": ("sigmoid", "hinge", "ipo")},
        smoothed=("sigmoid", "hinge"),
        ranges=_SOME_BETA,
        sequences=2,
    ),
    "simpo": Method(
        meaning="From pairs by the mean probability of a reply's tokens, with a margin, without a reference model.",
        word="SimPO",
        formats=_PAIRS,
        needs=_BOTH_REPLIES,
        learning_rate=(2.0e-5, 1.0e-6),
        options={"beta": 2.0, "simpo_gamma": 1.0},
        ranges=_SOME_BETA,
        sequences=2,
    ),
    "orpo": Method(
        meaning="Supervised and from pairs in one step, without a reference model.",
        word="ORPO",
        formats=_PAIRS,
        needs=_BOTH_REPLIES,
        learning_rate=(2.0e-5, 5.0e-6),
        options={"beta": BETA},
        ranges=_SOME_BETA,
        sequences=2,
    ),
    "kto": Method(
        meaning="From single replies marked good or bad.",
        word="KTO",
        formats=("kto", "preference"),
        needs="`completion` and `label`",
        learning_rate=(2.0e-5, 5.0e-7),
        options={"beta": BETA, "desirable_weight": 1.0, "undesirable_weight": 1.0},
        ranges=_SOME_BETA,
        has_reference=True,
        fused_loss=True,
        sampling="sequential",  # its KL term compares each row with its neighbours in a fixed order
    ),
    "grpo": Method(
        meaning="From rewards for replies that it generates, each held against the others to the same prompt.",
        word="GRPO",
        formats=("prompt",),
        needs="`prompt`",
        learning_rate=(1.0e-5, 1.0e-6),
        options={
            **_GENERATION,
            "num_generations": 8,
            "num_iterations": 1,
            "beta": 0.0,
            "loss_type": "dapo",
            "epsilon": 0.2,
            "scale_rewards": "group",
        },
        words={"loss_type": ("dapo", "dr_grpo", "bnpo", "grpo")},
        has_reference=True,
        fused_loss=True,
        generates=True,
    ),
    "rloo": Method(
        meaning="From rewards for replies that it generates, each held against the mean of the others.",
        word="RLOO",
        formats=("prompt",),
        needs="`prompt`",
        learning_rate=(1.0e-5, 1.0e-6),
        options={**_GENERATION, "num_generations": 4, "num_iterations": 1, "beta": 0.05, "epsilon": 0.2},
        has_reference=True,
        fused_loss=True,
        generates=True,
    ),
    "ppo": Method(
        meaning="From rewards for replies that it generates, by a value head that learns what to expect.",
        word="PPO",
        formats=("prompt",),
        needs="`prompt`",
        learning_rate=(1.0e-5, 1.0e-6),
        options={
            **_GENERATION,
            "num_iterations": 4,
            "beta": 0.05,
            "epsilon": 0.2,
            "gamma": 1.0,
            "lam": 0.95,
            "vf_coef": 0.1,
        },
        has_reference=True,
        generates=True,
        needs_adapter=True,
    ),
    "gkd": Method(
        meaning="From a teacher that corrects, token by token, replies that the model generates.",
        word="distillation",
        formats=("prompt",),
        needs="`prompt`",
        learning_rate=(5.0e-5, 5.0e-6),
        options={"teacher": None, "max_completion_length": 256, "temperature": 1.0, "beta": 1.0},
        ranges={"beta": (0.0, 1.0)},
        fused_loss=True,
        generates=True,
    ),
    "classify": Method(
        meaning="Learn to tell to which of a few classes a text belongs.",
        word="classifier",
        formats=("text_label",),
        needs="`text` and `label`",
        learning_rate=(1.0e-4, 2.0e-5),
        epochs=3.0,
        options={"labels": None},
        tokenizes=True,
        makes="label",
    ),
    "embed": Method(
        meaning="Learn vectors that lie near each other where texts belong together, from pairs of such texts.",
        word="embedding",
        formats=("anchor_positive",),
        needs="`anchor` and `positive`",
        learning_rate=(1.0e-4, 2.0e-5),
        options={"pooling": "last_token", "temperature": 0.05},
        ranges={"temperature": (1e-3, 1.0)},
        sequences=3,  # with a negative; rows without one take less
        makes="vector",
        batch=16,  # the other rows of a batch are what a pair is told from
    ),
}

#: Keys of `train` that belong to some methods only -> those methods.
OWNERS: Mapping[str, tuple[str, ...]] = {
    key: tuple(name for name, method in METHODS.items() if key in method.own_keys)
    for key in sorted({key for method in METHODS.values() for key in method.own_keys})
}
