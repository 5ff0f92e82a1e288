"""What of a model learns with ms-swift: `tuner_type`, and the switches that change what it means."""

import re
from collections.abc import Callable, Mapping

from tunewright.compiler.importers.draft import Said
from tunewright.compiler.importers.layers import set_encoder, set_layers, set_saved
from tunewright.compiler.importers.ms_swift_call import Call
from tunewright.compiler.importers.training import Training
from tunewright.compiler.importers.variants import set_start, set_variants, vary
from tunewright.spec.tuners import TUNERS

_OF_ADAPTERS = (
    "lora_rank",
    "lora_alpha",
    "lora_dropout",
    "target_modules",
    "modules_to_save",
    "use_dora",
    "use_rslora",
)


def set_tuner(call: Call, step: Training, default: Said | None) -> None:
    """Set the tuner and its own keys."""
    kind = call.options.word("tuner_type") or default
    assert kind is not None
    read = _KINDS.get(str(kind.value))
    if read is None:
        call.life.drafting.refuse(kind.origin, f"`{kind.value}` is not a tuner here: there are {', '.join(TUNERS)}")
        return
    step.set("tuner.type", kind)
    read(call, step)
    for name in _OF_ADAPTERS:
        if name not in call.options.taken and (unused := call.options.take(name)):
            everything = step.get("tuner.type") == "full"
            why = "means nothing where all weights learn" if everything else f"means nothing to `{kind.value}`"
            call.life.drafting.leave(unused.origin, why)
    set_encoder(call.options, step, "freeze_vit", "freeze_aligner")


def _full(call: Call, step: Training) -> None:
    options = call.options
    step.set("tuner.type", Said("full", step.values["tuner.type"].origin))
    if (galore := options.flag("use_galore")) is not None and galore.value:
        _galore(call, step, galore)
    layers = options.integer("lisa_activated_layers")
    if layers is not None and layers.value > 0:
        step.set("tuner.type", Said("lisa", layers.origin))
        step.set("tuner.active_layers", layers)
        step.set("tuner.interval", options.integer("lisa_step_interval"), call.default("lisa_step_interval"))
    _chosen(call, step)


def _galore(call: Call, step: Training, galore: Said) -> None:
    options, drafting = call.options, call.life.drafting
    short = options.flag("galore_quantization")
    step.set("tuner.type", Said("q_galore", short.origin) if short and short.value else Said("galore", galore.origin))
    step.set("tuner.rank", options.integer("galore_rank"), call.default("galore_rank"))
    step.set("tuner.interval", options.integer("galore_update_proj_gap"), call.default("galore_update_proj_gap"))
    step.set("tuner.scale", options.number("galore_scale"), call.default("galore_scale"))
    if (apart := options.take("galore_optim_per_parameter")) is not None:
        drafting.leave(apart.origin, "one optimizer or many compute the same")
    for name, usual in (("galore_target_modules", "all-linear"), ("galore_proj_type", "std")):
        said = options.word(name)
        if said is not None and said.value != usual:
            drafting.lose(said.origin, "the gradients of all linear layers are projected, the shorter side first")
        elif said is not None:
            drafting.leave(said.origin, "is how it is done here")


def _chosen(call: Call, step: Training) -> None:
    """Some of all weights learn, where all others are frozen and these are named."""
    options = call.options
    share = options.items.get("freeze_parameters_ratio")
    if share is None or str(share.value) not in ("1", "1.0"):
        return
    options.take("freeze_parameters_ratio")
    named, pattern = options.words("trainable_parameters"), options.word("trainable_parameters_regex")
    origins = [said.origin for said in (named, pattern) if said is not None]
    patterns = [f"^{re.escape(name)}" for name in named.value] if named else []
    patterns += [pattern.value] if pattern else []
    if patterns:
        step.set("tuner.type", Said("freeze", f"{share.origin}, {', '.join(origins)}"))
        step.set("tuner.patterns", Said(tuple(patterns), ", ".join(origins)))
    else:
        call.life.drafting.refuse(share.origin, "nothing learns: name what does in `trainable_parameters`")


def _low_rank(call: Call, step: Training) -> None:
    options = call.options
    kind = step.values["tuner.type"]
    step.set("tuner.type", Said("lora", kind.origin))
    step.set("tuner.rank", options.integer("lora_rank"), call.default("lora_rank"))
    step.set("tuner.alpha", options.number("lora_alpha"), call.default("lora_alpha"))
    step.set("tuner.dropout", options.number("lora_dropout"), call.default("lora_dropout"))
    set_layers(_targets(call), step, call.default("target_modules"))
    set_saved(options, step, "modules_to_save")
    _quantized(call, step)
    if kind.value == "longlora":
        vary(step, "longlora", kind)
    set_variants(options, step, (("use_dora", "dora"), ("use_rslora", "rslora")), "lorap_lr_ratio")
    set_start(options, step, "init_weights")


def _quantized(call: Call, step: Training) -> None:
    options, drafting = call.options, call.life.drafting
    bits, method = options.integer("quant_bits"), options.word("quant_method")
    if bits is not None and bits.value in (4, 8) and (method is None or method.value == "bnb"):
        step.set("tuner.type", Said("qlora", f"{step.values['tuner.type'].origin}, {bits.origin}"))
        step.set("tuner.bits", bits if bits.value == 8 else None)
    elif (said := method or bits) is not None:
        drafting.lose(said.origin, "the base is held in 4 or 8 bits of bitsandbytes here: it stays as it is")


def _ia3(call: Call, step: Training) -> None:
    targets = _targets(call)
    if targets is not None and targets.value != ("all-linear",):
        set_layers(targets, step, None)
    elif targets is not None:
        call.life.drafting.leave(targets.origin, "IA3 has its own layers: keys, values and the last of each block")


def _vera(call: Call, step: Training) -> None:
    step.set("tuner.rank", call.options.integer("vera_rank"), call.default("vera_rank"))
    step.set("tuner.dropout", call.options.number("vera_dropout"), call.default("vera_dropout"))
    set_layers(_targets(call), step, call.default("target_modules"))
    set_saved(call.options, step, "modules_to_save")


def _bottleneck(call: Call, step: Training) -> None:
    kind, act = step.values["tuner.type"], call.options.word("adapter_act")
    step.set("tuner.type", Said("bottleneck", kind.origin))
    step.set("tuner.rank", call.options.integer("adapter_length"), call.default("adapter_length"))
    if act is not None and act.value != "gelu":
        call.life.drafting.lose(act.origin, "the bend is a GELU here")
    call.life.drafting.lose(kind.origin, "the small network stands after each block here, there after its MLP")


def _reft(call: Call, step: Training) -> None:
    form = call.options.word("reft_intervention_type")
    if form is not None and form.value != "LoreftIntervention":
        call.life.drafting.refuse(form.origin, "ReFT is LoReFT here")
    step.set("tuner.rank", call.options.integer("reft_rank"), call.default("reft_rank"))
    layers = call.options.words("reft_layers")
    if layers is not None and all(re.fullmatch(r"-?\d{1,4}", item) for item in layers.value):
        step.set("tuner.layers", Said(tuple(int(item) for item in layers.value), layers.origin))
    elif layers is not None:
        call.life.drafting.refuse(layers.origin, "blocks are named by numbers")


def _targets(call: Call) -> Said | None:
    targets = call.options.words("target_modules", "target_regex")
    if targets is not None and {"DEFAULT", "AUTO"} & set(targets.value):
        call.life.drafting.assume(
            targets.origin, "`DEFAULT` of 2.x chose layers by model; here all linear layers learn"
        )
        return Said(("all-linear",), targets.origin)
    return targets


_KINDS: Mapping[str, Callable[[Call, Training], None]] = {
    "full": _full,
    "dummy": _low_rank,
    "lora": _low_rank,
    "longlora": _low_rank,
    "ia3": _ia3,
    "vera": _vera,
    "adapter": _bottleneck,
    "reft": _reft,
}
