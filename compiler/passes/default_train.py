"""Defaults of a training step."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from tunewright.compiler.facts import defaults
from tunewright.compiler.facts.families import Family, linears_with
from tunewright.compiler.ir.resolved import ResolvedParallelism, ResolvedStep, ResolvedTrain, ResolvedTuner
from tunewright.compiler.passes import machine
from tunewright.compiler.passes.default_labels import default_labels
from tunewright.compiler.passes.default_report_to import default_report_to
from tunewright.compiler.passes.default_rewards import default_rewards
from tunewright.compiler.passes.default_watch import default_watch
from tunewright.compiler.passes.provenance import Chooser
from tunewright.compiler.passes.work import Work
from tunewright.spec.determinism import BITWISE
from tunewright.spec.methods import METHODS, Method
from tunewright.spec.model.train import Parallelism, Train, Tuner
from tunewright.spec.tuners import TUNERS


def default_train(
    work: Work, train: Train, seed: int, determinism: str, done: dict[str, ResolvedStep], chooser: Chooser
) -> ResolvedTrain:
    """Return the step with every value explicit; accumulation stays 0 until the number of processes is known."""
    assert work.facts is not None
    before = done[train.from_].body if train.from_ and train.from_ in done else None
    before = before if isinstance(before, ResolvedTrain) else None
    tuner = _tuner(work, train.tuner, before, chooser)
    device = machine.device(work.facts)
    method = METHODS[train.method]
    level = chooser.derived("determinism", train.determinism, lambda: (determinism, "the spec's determinism"))
    chooser.written("method")
    chooser.written("data")
    packing = _packing(work, train, method, chooser)
    family = machine.base_model(work).family
    return ResolvedTrain(
        method=train.method,
        from_step=None if train.from_ == "base" else train.from_,
        data=train.data,
        tuner=tuner,
        learning_rate=chooser.default(
            "learning_rate",
            train.learning_rate,
            method.learning_rate[0 if tuner.is_adapter else 1],
            f"{train.method} with {tuner.type}",
        ),
        lr_scheduler_type=chooser.default("lr_scheduler_type", train.lr_scheduler_type, "cosine"),
        warmup_ratio=_warmup_ratio(train, chooser),
        warmup_steps=chooser.optional("warmup_steps", train.warmup_steps),
        min_lr_rate=_min_lr_rate(train, chooser),
        num_train_epochs=chooser.default("num_train_epochs", train.num_train_epochs, method.epochs, train.method),
        max_steps=chooser.optional("max_steps", train.max_steps),
        per_device_train_batch_size=chooser.default(
            "per_device_train_batch_size", train.per_device_train_batch_size, method.batch or defaults.MICRO_BATCH
        ),
        gradient_accumulation_steps=train.gradient_accumulation_steps or 0,
        max_length=chooser.derived("max_length", train.max_length, lambda: _max_length(work, before)),
        truncation=chooser.default("truncation", train.truncation, "end"),
        tokenize=chooser.derived("tokenize", train.tokenize, lambda: _tokenize(work, train, device)),
        mix=chooser.default("mix", train.mix, "concat"),
        packing=packing,
        loss_on=chooser.derived("loss_on", train.loss_on, lambda: _loss_on(work, train)),
        options=_options(train, method.options, chooser, {"labels": lambda: default_labels(work, train)}),
        weight_decay=chooser.default("weight_decay", train.weight_decay, 0.0),
        max_grad_norm=chooser.default("max_grad_norm", train.max_grad_norm, 1.0),
        adam_beta1=chooser.default("adam_beta1", train.adam_beta1, 0.9),
        adam_beta2=chooser.default("adam_beta2", train.adam_beta2, 0.999),
        adam_epsilon=chooser.default("adam_epsilon", train.adam_epsilon, 1e-8),
        neftune_noise_alpha=chooser.optional("neftune_noise_alpha", train.neftune_noise_alpha),
        optim=chooser.derived("optim", train.optim, lambda: _optimizer(device, tuner)),
        seed=chooser.derived("seed", train.seed, lambda: (seed, "the spec's seed")),
        determinism=level,
        precision=chooser.derived("precision", _unless_auto(train.precision), lambda: _precision(work, tuner)),
        gradient_checkpointing=chooser.derived(
            "gradient_checkpointing",
            train.gradient_checkpointing,
            lambda: _gradient_checkpointing(device, tuner),
        ),
        attention=chooser.derived(
            "attention",
            _unless_auto(train.attention),
            lambda: _attention(family, device, level, packing=packing),
        ),
        kernels=chooser.default("kernels", _unless_auto(train.kernels), "auto"),
        train_sampling_strategy=chooser.default(
            "train_sampling_strategy", train.train_sampling_strategy, method.sampling
        ),
        system_prompt=chooser.optional("system_prompt", train.system_prompt),
        evaluation_share=chooser.default("evaluation_share", train.evaluation_share, 0.0),
        logging_steps=chooser.default("logging_steps", train.logging_steps, 1),
        save_steps=chooser.default("save_steps", train.save_steps, 100),
        save_total_limit=chooser.default("save_total_limit", train.save_total_limit, 2),
        watch=default_watch(train.watch, chooser),
        report_to=default_report_to(work, train.report_to, chooser),
        parallelism=_parallelism(work, train.parallelism),
        device=device,
        threads=machine.threads(work.facts),
    )


def _warmup_ratio(train: Train, chooser: Chooser) -> float:
    if train.warmup_steps is not None:
        return chooser.derived("warmup_ratio", None, lambda: (0.0, "`warmup_steps` says it in steps"))
    return chooser.default("warmup_ratio", train.warmup_ratio, 0.03)


def _min_lr_rate(train: Train, chooser: Chooser) -> float | None:
    if train.lr_scheduler_type != "cosine_with_min_lr":
        return chooser.optional("min_lr_rate", train.min_lr_rate)
    return chooser.default("min_lr_rate", train.min_lr_rate, 0.1)


def _unless_auto(value: str | None) -> str | None:
    return None if value == "auto" else value


def _tuner(work: Work, tuner: Tuner | None, before: ResolvedTrain | None, chooser: Chooser) -> ResolvedTuner:
    inner = chooser.below("tuner")
    # Training goes on in the same adapter: what is not written is the adapter's.
    known = before.tuner.result if before is not None and before.tuner.is_adapter else None
    if tuner is None and before is not None:
        left = known or before.tuner
        chooser.derived("tuner", None, lambda: (left.type, "the step it starts from"))
        return left
    kind = inner.default("type", tuner.type if tuner else None, defaults.TUNER)
    table = TUNERS[kind]
    options = _options(tuner, {**table.options, **_same(known, kind)}, inner)
    rank, alpha, dropout = 0, 0.0, 0.0
    targets: tuple[str, ...] = ()
    if "rank" in table.form:
        ranks = known.rank if known and known.rank else table.rank or defaults.RANK
        rank = inner.default("rank", tuner.rank if tuner else None, ranks)
    if "alpha" in table.form:
        alpha = inner.derived(
            "alpha",
            tuner.alpha if tuner else None,
            lambda: (
                (known.alpha, "the adapter's")
                if known and known.alpha
                else (rank * defaults.ALPHA_PER_RANK, "twice the rank")
            ),
        )
    if "dropout" in table.form:
        dropout = inner.default("dropout", tuner.dropout if tuner else None, 0.0)
    if "target_modules" in table.form:
        written = tuner.target_modules if tuner else None
        targets = inner.default("target_modules", written, _targets(work, table.targets, known))
    return ResolvedTuner(type=kind, rank=rank, alpha=alpha, dropout=dropout, target_modules=targets, options=options)


def _same(known: ResolvedTuner | None, kind: str) -> Mapping[str, object]:
    """Return the options of the adapter that a step goes on from, where it is of the step's own type."""
    return known.options if known is not None and known.type == kind else {}


def _targets(work: Work, roles: str, known: ResolvedTuner | None) -> tuple[str, ...]:
    if known is not None and known.target_modules:
        return known.target_modules
    return linears_with(machine.base_model(work).family, roles) if roles else ("all-linear",)


def _options(
    section: Train | Tuner | None,
    known: Mapping[str, object],
    chooser: Chooser,
    following: Mapping[str, Callable[[], tuple[object, str]]] = MappingProxyType({}),
) -> dict[str, object]:
    """Return the options of a method or tuner: what is written, what follows from the rows, or the table's default."""
    options: dict[str, object] = {}
    for key, default in known.items():
        value = getattr(section, key, None)
        if key == "rewards" and value is not None:
            options[key] = default_rewards(value, chooser)
            continue
        if key in following:
            options[key] = chooser.derived(key, value, following[key])
            continue
        options[key] = chooser.optional(key, value) if default is None else chooser.default(key, value, default)
    return options


def _max_length(work: Work, before: ResolvedTrain | None) -> tuple[int, str]:
    if before is not None:
        return before.max_length, "the step it starts from"
    context = machine.base_model(work).max_position_embeddings
    if context is not None and context < defaults.MAX_LENGTH:
        return context, "the model's context"
    return defaults.MAX_LENGTH, f"defaults version {defaults.DEFAULTS_VERSION}"


def _tokenize(work: Work, train: Train, device: str) -> tuple[str, str]:
    assert work.facts is not None
    if not METHODS[train.method].tokenizes:
        return "inside", f"{train.method} makes its own tokens"
    if any(facts.images for name in train.data if (facts := work.facts.data.get(name))):
        return "inside", "images are read while training"
    if train.parallelism is not None and train.parallelism.strategy == "megatron":
        return "inside", "the Megatron runner makes its own tokens"
    if device == "cpu" and not _is_too_large(work, train):
        return "inside", "on a CPU nothing waits for it"
    if device == "cpu":
        return "ahead", "the rows would take more than half of the memory"
    return "ahead", "accelerators never wait for it"


def _is_too_large(work: Work, train: Train) -> bool:
    """Say whether rows and their tokens, held as objects, would fill more than half of the memory."""
    assert work.facts is not None
    sets = [facts for name in train.data if (facts := work.facts.data.get(name))]
    size = sum(file.size or 0 for facts in sets for file in facts.files)
    return size * defaults.HELD_PER_BYTE > work.facts.hardware.memory_bytes / 2 > 0


def _loss_on(work: Work, train: Train) -> tuple[str, str]:
    assert work.facts is not None
    assert work.spec is not None
    formats = {_format(work, name) for name in train.data}
    if not METHODS[train.method].has_turns:
        return "all", "rows have no reply"
    if formats == {"text"}:
        return "all", "plain text has no reply"
    return "completion", "rows have a reply to learn"


def _format(work: Work, name: str) -> str | None:
    assert work.facts is not None
    assert work.spec is not None
    declared = work.spec.data[name].format if name in work.spec.data else None
    facts = work.facts.data.get(name)
    return declared or (facts.format if facts else None)


def _precision(work: Work, tuner: ResolvedTuner) -> tuple[str, str]:
    assert work.facts is not None
    return machine.precision(work.facts, full=not tuner.is_adapter)


def _packing(work: Work, train: Train, method: Method, chooser: Chooser) -> bool:
    assert work.facts is not None
    model = machine.base_model(work)
    family = model.family
    apart = machine.device(work.facts) == "cuda" or (family is not None and family.packs)
    if method.packed and (model.recurrent or not apart):
        reason = "packed rows of this model would see each other"
        return chooser.derived("packing", train.packing, lambda: (False, reason))
    return chooser.default("packing", train.packing, method.packed)


def _attention(family: Family | None, device: str, determinism: str, *, packing: bool) -> tuple[str, str]:
    way, reason = _best_attention(device, determinism, packing=packing)
    if family is None or way in family.attention:
        return way, reason
    return family.attention[0], f"what {family.model_type} models have"


def _best_attention(device: str, determinism: str, *, packing: bool) -> tuple[str, str]:
    if device == "cpu":
        return "eager", "fastest backward pass on a CPU"
    if packing and device == "cuda":
        return "flash_attention_2", "keeps packed rows apart"
    if determinism == BITWISE:
        return "eager", "its sums are taken in one order"
    return "sdpa", "built into torch"


def _gradient_checkpointing(device: str, tuner: ResolvedTuner) -> tuple[bool, str]:
    if not TUNERS[tuner.type].replays:
        return False, f"{tuner.type} does not work with it"
    return device != "cpu", "on where accelerator memory is scarce, off on a CPU"


def _optimizer(device: str, tuner: ResolvedTuner) -> tuple[str, str]:
    if (own := TUNERS[tuner.type].optimizer) is not None:
        return own, f"{tuner.type} steps with its own variant of it"
    if device in ("cpu", "cuda"):
        return "adamw_torch_fused", f"AdamW in one kernel, which torch has for {device}"
    return "adamw_torch", f"torch has no fused AdamW for {device}"


def _parallelism(work: Work, written: Parallelism | None) -> ResolvedParallelism:
    assert work.facts is not None
    nodes = work.facts.hardware.nodes
    if written is None:
        return ResolvedParallelism(nodes=nodes)
    return ResolvedParallelism(
        strategy=written.strategy or "auto",
        processes=written.processes or 0,
        nodes=nodes,
        offload_optimizer=written.offload_optimizer or "none",
        offload_parameters=written.offload_parameters or "none",
        nvme_path=written.nvme_path,
        data_parallel_replicate=written.data_parallel_replicate or 1,
        tensor_parallel=written.tensor_parallel or 1,
        pipeline_parallel=written.pipeline_parallel or 1,
        virtual_pipeline_parallel=written.virtual_pipeline_parallel or 1,
        context_parallel=written.context_parallel or 1,
        expert_parallel=written.expert_parallel or 1,
        sequence_parallel=bool(written.sequence_parallel),
    )
