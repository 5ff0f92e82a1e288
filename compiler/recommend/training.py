"""How a training step is best set: method, tuner, length, batch, passes; tried against the memory that there is."""

import math
from collections.abc import Iterator
from dataclasses import replace

from tunewright.compiler.estimate.fit import Fit, fit_of
from tunewright.compiler.estimate.footprint import train_memory
from tunewright.compiler.estimate.memory import device_capacity
from tunewright.compiler.estimate.parameters import has_shape
from tunewright.compiler.estimate.rows import RowLengths
from tunewright.compiler.estimate.strategy import choose
from tunewright.compiler.facts import defaults
from tunewright.compiler.facts.accelerators import accelerator_model
from tunewright.compiler.ir.resolved import ResolvedParallelism, ResolvedTrain, ResolvedTuner
from tunewright.compiler.recommend.situation import Choice, RecommendationError, Situation, under
from tunewright.spec.methods import METHODS
from tunewright.spec.record import record

_GIB = 2**30
_LENGTH_STEP = 64
#: Beyond this a few long rows would set the cost of all.
_USUAL_LENGTH = 4096
#: Optimizer steps that learning a new form takes at least.
_FEWEST_STEPS = 60
_MOST_EPOCHS = 5
_STEPS_IN_EPOCH = 8


@record(kw_only=True)
class Setting:
    """A training step that was tried: the values, and how it fits."""

    train: ResolvedTrain
    fit: Fit | None
    memory_bytes: int = 0
    capacity_bytes: int = 0

    @property
    def is_offloaded(self) -> bool:
        """True when states are kept in host memory."""
        parallelism = self.train.parallelism
        return "cpu" in (parallelism.offload_optimizer, parallelism.offload_parameters)

    @property
    def words(self) -> str:
        """How it fits, in words; `fit` None: the model's size or the machine's memory is not known."""
        if self.fit is None:
            return "what it needs is not known yet"
        return f"{self.memory_bytes / _GIB:.1f} of {self.capacity_bytes / _GIB:.1f} GiB"


def method_of(situation: Situation) -> tuple[str, str]:
    """Return the training method and the reason."""
    if situation.data.format == "kto":
        return "kto", "the rows are single answers marked good or bad"
    if situation.task == "preference":
        return "dpo", "the rows are pairs of a better and a worse answer"
    if situation.task == "continue":
        return "sft", "plain text is learned like any reply: token by token"
    return "sft", "the rows show the answers to give"


def length_of(situation: Situation) -> tuple[int, str]:
    """Return `max_length` in tokens, and the reason."""
    data, context = situation.data, situation.model.max_position_embeddings
    longest = RowLengths.of([data]).longest_tokens or defaults.MAX_LENGTH
    wanted = math.ceil(longest / _LENGTH_STEP) * _LENGTH_STEP
    bound = min(context or _USUAL_LENGTH, _USUAL_LENGTH)
    if wanted <= bound:
        return wanted, f"the longest row has {data.longest_characters:,} characters: surely no more tokens"
    why = "the model's context" if bound == context else "the usual bound"
    return bound, f"{why}; longer rows are cut (the middle one has {data.median_characters:,} characters)"


def setting_of(situation: Situation) -> Setting:
    """Return the simplest setting that fits the machine; raise RecommendationError where none does."""
    tried: list[Setting] = []
    for train in _candidates(situation):
        setting = _tried(train, situation)
        if setting.fit is None or (setting.fit is Fit.FITS and not setting.is_offloaded):
            return setting
        tried.append(setting)
    # Then what moves states to the host, which is slow; then what may just fit.
    for wanted in (Fit.FITS, Fit.TIGHT):
        for setting in tried:
            if setting.fit is wanted:
                return setting
    least = min(tried, key=lambda item: (item.is_offloaded, item.memory_bytes))
    needs = f"even {least.train.tuner.type} with few rows at once needs {least.words}"
    if least.is_offloaded:
        needs = "it would have to live in host memory, of which nothing is known"
    raise RecommendationError(
        f"the model does not fit {situation.device}: {needs}", "take a smaller model, more memory, or shorter rows"
    )


def training_choices(situation: Situation, setting: Setting, *step: str) -> tuple[Choice, ...]:
    """Return the lines of the training step."""
    train = setting.train
    method, method_reason = method_of(situation)
    is_pair = method in ("dpo", "kto")
    rate = "far below supervised rates: preferences drift easily" if is_pair else "usual for adapters"
    return (
        *under(*step, method=(method, method_reason), data=("rows", "")),
        *under(*step, "tuner", type_=(train.tuner.type, _tuner_reason(setting))),
        *under(*step, "tuner", rank=(train.tuner.rank, _rank(situation)[1])),
        *under(*step, "tuner", alpha=(train.tuner.alpha, "twice the rank")),
        *(under(*step, beta=(train.options["beta"], "usual: how strongly the model is held where it starts"))
          if is_pair else ()),
        *under(
            *step,
            learning_rate=(train.learning_rate, rate),
            num_train_epochs=(train.num_train_epochs, _epochs_reason(situation, train)),
            per_device_train_batch_size=(train.per_device_train_batch_size, _batch_reason(setting)),
            gradient_accumulation_steps=(train.gradient_accumulation_steps, _accumulation_reason(situation, train)),
            max_length=(train.max_length, length_of(situation)[1]),
        ),
        *(under(*step, evaluation_share=(train.evaluation_share, "held out: the loss on them shows over-learning"))
          if train.evaluation_share else ()),
        *under(*step, parallelism=_parallelism(situation, train)),
    )  # fmt: skip


def _candidates(situation: Situation) -> Iterator[ResolvedTrain]:
    """Yield drafts from the most comfortable to the most frugal."""
    method, _ = method_of(situation)
    accelerator = situation.hardware.accelerator
    known = accelerator_model(accelerator.name) if accelerator else None
    rank, _ = _rank(situation)
    fewest = _fewest_at_once(method)
    most = max(
        _batch(situation.learned_rows) // (accelerator.count if _is_spread(situation) and accelerator else 1), fewest
    )
    # A 4-bit base needs kernels that CUDA alone has.
    for kind in ("lora", "qlora") if known is not None and known.backend == "cuda" else ("lora",):
        for rows in (size for size in (4, 2, 1) if size >= fewest):
            if rows <= most:
                yield _draft(situation, method, ResolvedTuner(
                    type=kind, rank=rank, alpha=rank * defaults.ALPHA_PER_RANK, target_modules=("all-linear",)
                ), rows)  # fmt: skip


def _draft(situation: Situation, method: str, tuner: ResolvedTuner, rows: int) -> ResolvedTrain:
    accelerator = situation.hardware.accelerator
    known = accelerator_model(accelerator.name) if accelerator else None
    device = known.backend if known else "cpu"
    return ResolvedTrain(
        method=method,
        from_step=None,
        data=("rows",),
        tuner=tuner,
        learning_rate=METHODS[method].learning_rate[0],
        lr_scheduler_type="cosine",
        warmup_ratio=0.03,
        num_train_epochs=METHODS[method].epochs,
        max_steps=None,
        per_device_train_batch_size=rows,
        gradient_accumulation_steps=1,
        max_length=length_of(situation)[0],
        packing=False,
        loss_on="all" if situation.task == "continue" else "completion",
        options=METHODS[method].options,
        weight_decay=0.0,
        max_grad_norm=1.0,
        optim="adamw_torch",
        seed=defaults.SEED,
        determinism=defaults.DETERMINISM,
        precision="bf16" if known is None or known.bf16 else "fp16",
        gradient_checkpointing=device != "cpu",
        attention="sdpa",
        kernels="plain",
        train_sampling_strategy="random",
        system_prompt=None,
        evaluation_share=0.05 if situation.task == "continue" and situation.learned_rows >= 40 else 0.0,
        logging_steps=1,
        save_steps=100,
        save_total_limit=2,
        parallelism=ResolvedParallelism(strategy="auto"),
        device=device,
        threads=situation.hardware.cpu_cores,
    )


def _tried(draft: ResolvedTrain, situation: Situation) -> Setting:
    written = ResolvedParallelism(strategy="auto" if _is_spread(situation) else "single")
    settled = choose(replace(draft, parallelism=written), situation.model, situation.hardware, [situation.data])
    at_once = draft.per_device_train_batch_size * settled.data_parallel
    batch = _batch(situation.learned_rows)
    accumulation = max(1, batch // at_once)
    train = replace(
        draft,
        parallelism=settled,
        gradient_accumulation_steps=accumulation,
        num_train_epochs=_epochs(situation, at_once * accumulation),
    )
    capacity = device_capacity(train, situation.hardware)
    if not has_shape(situation.model) or not capacity:
        return Setting(train=train, fit=None)
    memory = train_memory(train, situation.model, RowLengths.of([situation.data])).device_bytes
    setting = Setting(train=train, fit=fit_of(memory, capacity), memory_bytes=memory, capacity_bytes=capacity)
    if setting.is_offloaded and not situation.hardware.memory_bytes:
        # A machine that is only named promises no host memory.
        return replace(setting, fit=Fit.TOO_LARGE)
    return setting


def _batch(rows: int) -> int:
    """Return the rows of an optimizer step: usual, or fewer where a pass would have too few steps."""
    return min(defaults.GLOBAL_BATCH, 1 << (max(1, rows // _STEPS_IN_EPOCH).bit_length() - 1))


def _epochs(situation: Situation, batch: int) -> float:
    rows, method = situation.learned_rows, method_of(situation)[0]
    least = math.ceil(_FEWEST_STEPS * batch / rows)
    if situation.task in ("continue", "preference") or method == "kto":
        return float(min(max(1, least), 2))
    if rows >= 50_000:
        return 1.0
    return float(min(max(least, 2 if rows >= 10_000 else 3), _MOST_EPOCHS))


def _epochs_reason(situation: Situation, train: ResolvedTrain) -> str:
    steps = math.ceil(situation.learned_rows / train.global_batch_size * train.num_train_epochs)
    passes = "pass" if train.num_train_epochs == 1 else "passes"
    return f"{situation.learned_rows:,} rows: {train.num_train_epochs:g} {passes} make about {steps:,} steps"


def _rank(situation: Situation) -> tuple[int, str]:
    rows = situation.learned_rows
    if situation.task == "continue":
        return 32, "new knowledge takes more room than a new tone"
    if rows < 100:
        return 8, "few rows: a small adapter learns less by heart"
    return (32, "many rows: room to learn from them") if rows >= 20_000 else (16, "enough for form and tone")


def _tuner_reason(setting: Setting) -> str:
    if setting.train.tuner.type == "qlora":
        return f"the base in 4 bits: in 16 bits there is too little room ({setting.words})"
    return f"adapters beside the frozen base: {setting.words}"


def _batch_reason(setting: Setting) -> str:
    if setting.fit is Fit.TIGHT:
        return f"as much as fits, and it is tight: {setting.words}"
    return "rows at once on each device"


def _accumulation_reason(situation: Situation, train: ResolvedTrain) -> str:
    batch = train.global_batch_size
    few = "" if batch >= defaults.GLOBAL_BATCH else f", as there are only {situation.learned_rows:,}"
    return f"{batch} rows an optimizer step{few}"


def _parallelism(situation: Situation, train: ResolvedTrain) -> tuple[str, str]:
    accelerator = situation.hardware.accelerator
    if accelerator and not _is_spread(situation):
        return "single", f"{situation.learned_rows} rows are too few for {accelerator.count} processes"
    return "auto", f"here this is {train.parallelism.strategy}: {train.parallelism.reason}"


def _is_spread(situation: Situation) -> bool:
    """Say whether a step of the usual size has rows for every accelerator."""
    accelerator = situation.hardware.accelerator
    if accelerator is None or accelerator.count == 1:
        return True
    fewest = _fewest_at_once(method_of(situation)[0])
    return accelerator.count * fewest <= _batch(situation.learned_rows)


def _fewest_at_once(method: str) -> int:
    """KTO compares the replies of a micro-batch with each other."""
    return 2 if method == "kto" else 1
