"""Family 3, first half: methods, tuners, number formats, lengths."""

from collections.abc import Iterator

from tunewright.compiler.facts.accelerators import accelerator_model
from tunewright.compiler.facts.families import family_of, linear_names
from tunewright.compiler.ir.resolved import ModelState, ResolvedStep, ResolvedTrain, ResolvedTuner
from tunewright.compiler.passes import machine
from tunewright.compiler.passes.choose_kernels import unfit
from tunewright.compiler.passes.work import Work
from tunewright.compiler.rules.rule import Phase, Rule
from tunewright.spec import methods, tuners
from tunewright.spec.diagnostics import Edit, Label
from tunewright.spec.model.train import Train
from tunewright.spec.suggest import listed, nearest, suggestion

#: Methods whose weights are packed integers; mxfp4 and fp8 are unpacked while they load.
_PACKED = frozenset({"gptq", "awq", "aqlm", "hqq", "eetq", "bitsandbytes"})
#: Strategies that cut the base's own weights.
_SHARDED = frozenset({"zero3", "fsdp2", "megatron"})
#: Peak rates beyond which every published recipe diverges.
_HIGHEST_RATE = {True: 5e-3, False: 5e-4}


def _written(work: Work) -> Iterator[tuple[str, Train]]:
    assert work.spec is not None
    for name, step in work.spec.steps.items():
        if step.train is not None:
            yield name, step.train


def _trains(work: Work) -> tuple[tuple[ResolvedStep, ResolvedTrain], ...]:
    assert work.resolved is not None
    return work.resolved.trains()


def _check_target_modules(work: Work) -> None:
    model = machine.base_model(work)
    known = model.linear_modules or linear_names(model.model_type)
    if not known:
        return
    for name, train in _written(work):
        for index, module in enumerate((train.tuner.target_modules if train.tuner else None) or ()):
            path = ("steps", name, "train", "tuner", "target_modules", index)
            if module == "all-linear" or module.rpartition(".")[2] in known or work.is_poisoned(*path):
                continue
            near = nearest(module, [*known, "all-linear"])
            span = work.value_span(*path)
            work.sink.report(
                "TW3001",
                f"the base model has no layer `{module}`",
                span,
                labels=(Label(work.value_span("base", "model"), f"a {model.model_type} model"),),
                help=suggestion(near, f"layers here: {listed(known, 12)}; or `all-linear`"),
                edit=Edit(span, near) if near else None,
            )


def _check_length(work: Work) -> None:
    model = machine.base_model(work)
    context = model.max_position_embeddings
    if not context:
        return
    for name, train in _written(work):
        if (
            train.max_length
            and train.max_length > context
            and not work.is_poisoned("steps", name, "train", "max_length")
        ):
            work.sink.report(
                "TW3002",
                f"max_length {train.max_length} is beyond the model's context of {context} tokens",
                work.value_span("steps", name, "train", "max_length"),
                labels=(Label(work.value_span("base", "model"), f"{context} positions"),),
                help=f"use at most `{context}`",
            )


def _check_tuner_keys(work: Work) -> None:
    for name, train in _written(work):
        tuner = train.tuner
        if tuner is None or work.is_poisoned("steps", name, "train", "tuner", "type"):
            continue
        for key, owners in tuners.OWNERS.items():
            if tuner.type not in owners and getattr(tuner, key) is not None:
                work.sink.report(
                    "TW3003",
                    f"`{key}` means nothing to the tuner `{tuner.type}`",
                    work.key_span("steps", name, "train", "tuner", key),
                    labels=(Label(work.value_span("steps", name, "train", "tuner", "type"), ""),),
                    help=f"remove `{key}`, or use {listed([f'`{owner}`' for owner in owners], 6)}",
                )


def _check_quantized_base(work: Work) -> None:
    model = machine.base_model(work)
    if not model.quantization or model.origin == "gguf":
        return
    assert work.resolved is not None
    for step, train in _trains(work):
        # A step that goes on from full weights can't be blamed for what its first one did.
        if (
            not train.tuner.is_adapter
            and work.resolved.models.get(train.from_step or "base", ModelState()).model is None
        ):
            work.sink.report(
                "TW3004",
                "weights of a quantised model can't learn",
                work.value_span("steps", step.name, "train", "tuner"),
                labels=(Label(work.value_span("base", "model"), f"quantised with {model.quantization}"),),
                help="use an adapter (`type: lora`), or the unquantised model",
            )


def _form(tuner: ResolvedTuner) -> tuple[object, ...]:
    """Return what of an adapter a later step can't change."""
    sizes = tuple(tuner.options.get(key) for key in ("num_virtual_tokens", "block_size", "layers"))
    return tuners.TUNERS[tuner.type].family, tuner.rank, tuner.alpha, frozenset(tuner.target_modules), sizes


def _check_continuation(work: Work) -> None:
    assert work.resolved is not None
    for step, train in _trains(work):
        before = work.resolved.step(train.from_step) if train.from_step else None
        if before is None or not isinstance(before.body, ResolvedTrain):
            continue
        old, new = before.body.tuner.result, train.tuner
        if not old.is_adapter or not new.is_adapter:
            continue
        # A LoRA adapter may be trained further on a 4-bit base and back.
        same = _form(old) == _form(new)
        if not same:
            work.sink.report(
                "TW3006",
                f"`{step.name}` continues the adapter of `{before.name}`, which has another form",
                work.value_span("steps", step.name, "train", "tuner"),
                f"{new.type} rank {new.rank}",
                labels=(Label(work.key_span("steps", before.name), f"{old.type} rank {old.rank}"),),
                help="leave `tuner` out: the adapter keeps its form",
            )


def _check_sharded_quantized(work: Work) -> None:
    model = machine.base_model(work)
    packed = model.quantization if model.quantization in _PACKED and model.origin != "gguf" else None
    for step, train in _trains(work):
        strategy = train.parallelism.strategy
        tuner = tuners.TUNERS[train.tuner.type]
        if strategy not in _SHARDED or not tuner.makes_adapter:
            continue
        if packed and tuner.packed_base:
            work.sink.report(
                "TW3007",
                f"{packed} weights can't be sharded by {strategy}",
                work.value_span("steps", step.name, "train", "parallelism"),
                labels=(Label(work.value_span("base", "model"), f"quantised with {packed}"),),
                help="use `ddp` or `zero2` (the packed base is small), or the unquantised model",
            )
        elif tuner.base_bits is not None:
            work.sink.report(
                "TW3007",
                f"4-bit weights can't be sharded by {strategy}",
                work.value_span("steps", step.name, "train", "parallelism"),
                labels=(Label(work.value_span("steps", step.name, "train", "tuner"), "holds the base in 4 bits"),),
                help="use `ddp` or `zero2` (the 4-bit base is small), or `type: lora`",
            )


def _check_precision(work: Work) -> None:
    assert work.facts is not None
    accelerator = work.facts.hardware.accelerator
    known = accelerator_model(accelerator.name) if accelerator else None
    for step, train in _trains(work):
        span = work.value_span("steps", step.name, "train", "precision")
        if train.precision == "fp16" and not train.tuner.is_adapter:
            work.sink.report(
                "TW3008", "full fine-tuning in fp16 loses its gradients", span, help="use `bf16` or `fp32`"
            )
        elif train.precision == "fp16" and train.device == "cpu":
            work.sink.report("TW3009", "a CPU has no fp16 arithmetic", span, help="use `bf16` or `fp32`")
        elif train.precision == "bf16" and known is not None and not known.bf16:
            work.sink.report(
                "TW3009",
                f"{known.name} has no bf16",
                span,
                help="use `fp16` for adapters, `fp32` for all weights, or `auto`",
            )


def _check_packing(work: Work) -> None:
    for step, train in _trains(work):
        if not train.packing:
            continue
        span = work.value_span("steps", step.name, "train", "packing")
        method = methods.METHODS[train.method]
        if not method.packing:
            work.sink.report(
                "TW3020", f"{train.method} takes rows whole and can't pack them", span, help="remove `packing`"
            )
        elif (strategy := train.options["packing_strategy"]) not in method.packing:
            work.sink.report(
                "TW3058",
                f"with `{strategy}` packing rows are divided and see each other, and {train.method} needs them whole",
                work.value_span("steps", step.name, "train", "packing_strategy"),
                help=f"use {listed([f'`{word}`' for word in method.packing], 6)}",
            )
        elif strategy != "wrapped" and train.attention != "flash_attention_2" and not _keeps_apart(work):
            work.sink.report(
                "TW3021",
                f"with {train.attention} attention packed rows of this model would see each other",
                span,
                help="set `attention: flash_attention_2` (needs an accelerator), or remove `packing`",
            )


def _keeps_apart(work: Work) -> bool:
    """True for models whose attention mask follows from positions, which begin anew with each packed row."""
    family = family_of(machine.base_model(work).model_type)
    return family is not None and family.packs


def _check_foreign_keys(work: Work) -> None:
    for name, train in _written(work):
        for key, owners in methods.OWNERS.items():
            if train.method not in owners and getattr(train, key) is not None:
                work.sink.report(
                    "TW3022",
                    f"`{key}` means nothing to {train.method}",
                    work.key_span("steps", name, "train", key),
                    labels=(Label(work.value_span("steps", name, "train", "method"), ""),),
                    help=f"remove `{key}`; it is for {listed([f'`{owner}`' for owner in owners], 6)}",
                )


def _check_attention(work: Work) -> None:
    assert work.facts is not None
    accelerator = work.facts.hardware.accelerator
    known = accelerator_model(accelerator.name) if accelerator else None
    for step, train in _trains(work):
        if train.attention != "flash_attention_2":
            continue
        span = work.value_span("steps", step.name, "train", "attention")
        if train.device != "cuda":
            work.sink.report("TW3023", f"flash attention does not run on {train.device}", span, help="use `auto`")
        elif known and known.compute_capability and known.compute_capability < (8, 0):
            work.sink.report("TW3023", f"flash attention 2 does not run on {known.name}", span, help="use `auto`")
        elif train.precision == "fp32":
            work.sink.report(
                "TW3023",
                "flash attention computes in bf16 or fp16 only",
                span,
                help="set `precision: bf16`, or use `auto`",
            )


def _check_kernels(work: Work) -> None:
    for step, train in _trains(work):
        if train.kernels != "auto" and (problem := unfit(work, train, train.kernels)) is not None:
            work.sink.report(
                "TW3060",
                f"{train.kernels} kernels don't fit this step",
                work.value_span("steps", step.name, "train", "kernels"),
                problem,
                help="use `auto`, which takes them where they fit",
            )


def _check_schedule(work: Work) -> None:
    for name, train in _written(work):
        if train.max_steps is not None and train.num_train_epochs is not None:
            work.sink.report(
                "TW1013",
                "`max_steps` and `num_train_epochs` both say when training ends",
                work.key_span("steps", name, "train", "max_steps"),
                labels=(Label(work.key_span("steps", name, "train", "num_train_epochs"), "and here"),),
                help="keep one of them",
            )
        if (
            train.tuner is not None
            and train.tuner.target_pattern is not None
            and train.tuner.target_modules is not None
        ):
            work.sink.report(
                "TW1013",
                "`target_pattern` and `target_modules` both say which layers get adapters",
                work.key_span("steps", name, "train", "tuner", "target_pattern"),
                labels=(Label(work.key_span("steps", name, "train", "tuner", "target_modules"), "and here"),),
                help="keep one of them",
            )
        if train.warmup_steps is not None and train.warmup_ratio is not None:
            work.sink.report(
                "TW1013",
                "`warmup_steps` and `warmup_ratio` both say how long the learning rate rises",
                work.key_span("steps", name, "train", "warmup_steps"),
                labels=(Label(work.key_span("steps", name, "train", "warmup_ratio"), "and here"),),
                help="keep one of them",
            )
        if train.min_lr_rate is not None and train.lr_scheduler_type != "cosine_with_min_lr":
            work.sink.report(
                "TW3037",
                f"the schedule `{train.lr_scheduler_type or 'cosine'}` has no lowest rate",
                work.key_span("steps", name, "train", "min_lr_rate"),
                help="write `lr_scheduler_type: cosine_with_min_lr`, or remove it",
            )


def _check_kto(work: Work) -> None:
    for step, train in _trains(work):
        if train.method == "kto" and train.per_device_train_batch_size < 2:
            work.sink.report(
                "TW3025",
                "kto needs at least 2 rows at once",
                work.value_span("steps", step.name, "train", "per_device_train_batch_size"),
                "its KL term compares rows",
                help="set `per_device_train_batch_size: 2` or more",
            )


def _check_optimizer(work: Work) -> None:
    for step, train in _trains(work):
        span = work.value_span("steps", step.name, "train", "optim")
        if train.optim.startswith("paged") and train.device == "cpu":
            work.sink.report("TW3026", "a paged optimizer needs an accelerator", span, help="use `adamw_torch`")
        elif "8bit" in train.optim and train.parallelism.strategy in ("zero1", "zero2", "zero3", "fsdp2", "megatron"):
            work.sink.report(
                "TW3026",
                f"8-bit optimizer state can't be sharded by {train.parallelism.strategy}",
                span,
                help="use `adamw_torch`, or `ddp`",
            )


def _check_rate(work: Work) -> None:
    for step, train in _trains(work):
        highest = _HIGHEST_RATE[train.tuner.is_adapter]
        if train.learning_rate > highest:
            what = "adapters" if train.tuner.is_adapter else "all weights"
            work.sink.report(
                "TW3030",
                f"a learning rate of {train.learning_rate:g} for {what} usually diverges",
                work.value_span("steps", step.name, "train", "learning_rate"),
                help=f"usual rates are well below {highest:g}; accept this one with `allow: [{{code: TW3030, "
                f"reason: ...}}]`",
            )


def _in_few_bits(tuner: ResolvedTuner) -> bool:
    return tuners.TUNERS[tuner.type].base_bits is not None


def _check_from_quantized(work: Work) -> None:
    assert work.resolved is not None
    for step, train in _trains(work):
        state = work.resolved.models.get(train.from_step or "base")
        if not train.tuner.is_adapter and state and state.adapter:
            before = work.resolved.step(state.adapter)
            if before and isinstance(before.body, ResolvedTrain) and _in_few_bits(before.body.tuner):
                work.sink.report(
                    "TW3005",
                    f"all weights of a 4-bit base can't learn after `{before.name}`",
                    work.value_span("steps", step.name, "train", "tuner"),
                    labels=(Label(work.key_span("steps", before.name), "learned on a 4-bit base"),),
                    help="keep the adapter, or use `type: lora` in both steps",
                )


RULES = (
    Rule(
        code="TW3001",
        phase=Phase.MODEL,
        check=_check_target_modules,
        resolved=False,
        why="An adapter on a layer that does not exist is an error after the weights are loaded, or is silently "
        "left out.",
        bad="steps: {sft: {train: {tuner: {type: lora, target_modules: [q_project]}}}}",
        good="steps: {sft: {train: {tuner: {type: lora, target_modules: [q_proj]}}}}",
    ),
    Rule(
        code="TW3002",
        phase=Phase.MODEL,
        check=_check_length,
        resolved=False,
        why="Beyond its context a model has never seen positions: it trains without a word and answers nonsense.",
        bad="steps: {sft: {train: {max_length: 1000000}}}",
        good="steps: {sft: {train: {max_length: 2048}}}",
    ),
    Rule(
        code="TW3003",
        phase=Phase.TEXT,
        check=_check_tuner_keys,
        resolved=False,
        why="A rank for a step without adapters would be silently ignored.",
        bad="steps: {sft: {train: {tuner: {type: full, rank: 8}}}}",
        good="steps: {sft: {train: {tuner: {type: full}}}}",
    ),
    Rule(
        code="TW3004",
        phase=Phase.MODEL,
        check=_check_quantized_base,
        why="Integers have no gradient: full fine-tuning needs the weights as they were.",
        bad='{base: {model: "dir:quantized-model"}, steps: {sft: {train: {tuner: full}}}}',
        good='{base: {model: "dir:quantized-model"}, steps: {pack: null, serve: {deploy: {model: align}}}}',
    ),
    Rule(
        code="TW3005",
        phase=Phase.TEXT,
        check=_check_from_quantized,
        why="An adapter learned on a 4-bit base fits that base, not the full weights.",
        bad="steps: {sft: {train: {tuner: qlora}}, align: {train: {tuner: full}}}",
        good="steps: {sft: {train: {tuner: qlora}}}",
    ),
    Rule(
        code="TW3006",
        phase=Phase.TEXT,
        check=_check_continuation,
        why="Training goes on in the adapter that is there; it can't change its rank or its layers.",
        bad="steps: {align: {train: {tuner: {type: lora, rank: 64}}}}",
        good="steps: {align: {train: {tuner: {type: lora, rank: 16}}}}",
    ),
    Rule(
        code="TW3007",
        phase=Phase.TEXT,
        check=_check_sharded_quantized,
        why="Packed 4-bit weights can't be gathered from shards: it fails after loading, or trains garbage.",
        bad="steps: {sft: {train: {tuner: qlora, parallelism: {strategy: zero3, processes: 2}}}}",
        good="steps: {sft: {train: {tuner: qlora}}}",
    ),
    Rule(
        code="TW3008",
        phase=Phase.TEXT,
        check=_check_precision,
        why="fp16 weights with fp16 gradients underflow: trainers stop with `attempting to unscale FP16 gradients`.",
        bad="{resources: {accelerator: a100-80gb}, steps: {sft: {train: {tuner: full, precision: fp16}}}}",
        good="{resources: {accelerator: a100-80gb}, steps: {sft: {train: {tuner: full, precision: bf16}}}}",
    ),
    Rule(
        code="TW3009",
        phase=Phase.HARDWARE,
        why="A number format that the chip lacks is emulated at a crawl or refused after loading.",
        bad="{resources: {accelerator: v100-32gb}, steps: {sft: {train: {precision: bf16}}}}",
        good="{resources: {accelerator: v100-32gb}, steps: {sft: {train: {precision: auto}}}}",
    ),
    Rule(
        code="TW3020",
        phase=Phase.TEXT,
        check=_check_packing,
        why="Preference losses compare replies row by row.",
        bad="steps: {align: {train: {packing: true}}}",
        good="steps: {align: {train: {packing: false}}}",
    ),
    Rule(
        code="TW3021",
        phase=Phase.TEXT,
        follows=("resources",),
        why="Without attention that knows where a row ends, packed rows learn from their neighbours.",
        bad='{base: {model: "dir:falcon-model"}, steps: {sft: {train: {packing: true}}}}',
        good='{base: {model: "dir:chat-model"}, steps: {sft: {train: {packing: true}}}}',
    ),
    Rule(
        code="TW3058",
        phase=Phase.TEXT,
        why="Rows that are cut anywhere and not kept apart teach replies to questions that other rows ask.",
        bad="steps: {sft: {train: {packing: true, packing_strategy: wrapped}}}",
        good="steps: {sft: {train: {packing: true, packing_strategy: bfd}}}",
    ),
    Rule(
        code="TW3022",
        phase=Phase.TEXT,
        check=_check_foreign_keys,
        resolved=False,
        why="A setting of another method would be silently ignored.",
        bad="steps: {sft: {train: {beta: 0.1}}}",
        good="steps: {align: {train: {beta: 0.1}}}",
    ),
    Rule(
        code="TW3023",
        phase=Phase.HARDWARE,
        check=_check_attention,
        why="Flash attention needs an accelerator with the right kernels and a 16-bit format.",
        bad="steps: {sft: {train: {attention: flash_attention_2}}}",
        good="steps: {sft: {train: {attention: auto}}}",
    ),
    Rule(
        code="TW1013",
        phase=Phase.TEXT,
        check=_check_schedule,
        resolved=False,
        why="Two settings that say the same differently: one of them would be silently ignored.",
        bad="steps: {sft: {train: {max_steps: 10, num_train_epochs: 2}}}",
        good="steps: {sft: {train: {max_steps: 10}}}",
    ),
    Rule(
        code="TW3037",
        phase=Phase.TEXT,
        why="A lowest rate that the schedule does not have would be silently ignored.",
        bad="steps: {sft: {train: {lr_scheduler_type: linear, min_lr_rate: 0.1}}}",
        good="steps: {sft: {train: {lr_scheduler_type: cosine_with_min_lr, min_lr_rate: 0.1}}}",
    ),
    Rule(
        code="TW3025",
        phase=Phase.TEXT,
        check=_check_kto,
        why="KTO estimates its KL term by pairing each prompt with another row's reply: one row has no other.",
        bad="steps: {align: {train: {method: kto, per_device_train_batch_size: 1}}}",
        good="steps: {align: {train: {method: kto, per_device_train_batch_size: 2}}}",
    ),
    Rule(
        code="TW3026",
        phase=Phase.HARDWARE,
        check=_check_optimizer,
        why="Paged and 8-bit optimizer states need an accelerator and can't be sharded.",
        bad="steps: {sft: {train: {optim: paged_adamw_8bit}}}",
        good="steps: {sft: {train: {optim: adamw_torch}}}",
    ),
    Rule(
        code="TW3030",
        phase=Phase.TEXT,
        check=_check_rate,
        why="A learning rate ten times too high is the most common reason of a loss that explodes.",
        bad="steps: {sft: {train: {learning_rate: 0.1}}}",
        good="steps: {sft: {train: {learning_rate: 1.0e-4}}}",
    ),
    Rule(
        code="TW3060",
        phase=Phase.HARDWARE,
        check=_check_kernels,
        why="Kernels where they don't fit fail after loading, or change what is learnt.",
        bad="steps: {sft: {train: {kernels: fused, tuner: full}}}",
        good="steps: {sft: {train: {kernels: fused}}}",
    ),
)
