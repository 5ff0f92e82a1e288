"""Family 3: the weights that a tuner changes, and those it stands on."""

from tunewright.compiler.facts.families import linear_names
from tunewright.compiler.ir.resolved import ModelState, ResolvedTrain, ResolvedTuner
from tunewright.compiler.passes import machine
from tunewright.compiler.passes.work import Work
from tunewright.compiler.rules.rule import Phase, Rule
from tunewright.spec import tuners
from tunewright.spec.diagnostics import Edit, Label
from tunewright.spec.suggest import listed, nearest, suggestion

#: Methods whose weights are packed integers; mxfp4 and fp8 are unpacked while they load.
_PACKED = frozenset({"gptq", "awq", "compressed-tensors", "aqlm", "hqq", "eetq", "bitsandbytes"})
#: Strategies that cut the base's own weights.
_SHARDED = frozenset({"zero3", "fsdp2", "megatron"})


def _check_target_modules(work: Work) -> None:
    assert work.spec is not None
    model = machine.base_model(work)
    known = model.linear_modules or linear_names(model.family)
    if not known:
        return
    for name, train in work.spec.trains():
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


def _check_tuner_keys(work: Work) -> None:
    assert work.spec is not None
    for name, train in work.spec.trains():
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
    assert work.resolved is not None
    model = machine.base_model(work)
    if not model.quantization or model.origin == "gguf":
        return
    for step, train in work.resolved.trains():
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


def _in_few_bits(tuner: ResolvedTuner) -> bool:
    return tuners.TUNERS[tuner.type].base_bits is not None


def _check_from_quantized(work: Work) -> None:
    assert work.resolved is not None
    for step, train in work.resolved.trains():
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


def _form(tuner: ResolvedTuner) -> tuple[object, ...]:
    """Return what of an adapter a later step can't change."""
    sizes = tuple(tuner.options.get(key) for key in ("num_virtual_tokens", "block_size", "layers"))
    return tuners.TUNERS[tuner.type].family, tuner.rank, tuner.alpha, frozenset(tuner.target_modules), sizes


def _check_continuation(work: Work) -> None:
    assert work.resolved is not None
    for step, train in work.resolved.trains():
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
    assert work.resolved is not None
    model = machine.base_model(work)
    packed = model.quantization if model.quantization in _PACKED and model.origin != "gguf" else None
    for step, train in work.resolved.trains():
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
                f"{train.tuner.options.get('bits', tuner.base_bits)}-bit weights can't be sharded by {strategy}",
                work.value_span("steps", step.name, "train", "parallelism"),
                labels=(Label(work.value_span("steps", step.name, "train", "tuner"), "holds the base in few bits"),),
                help="use `ddp` or `zero2` (such a base is small), or `type: lora`",
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
)
