"""What of a model learns with LLaMA-Factory: `finetuning_type`, and the switches that change what it means."""

from collections.abc import Callable, Mapping

from tunewright.compiler.facts.models import known_model
from tunewright.compiler.importers.draft import Said
from tunewright.compiler.importers.layers import set_layers, set_saved
from tunewright.compiler.importers.life import Life
from tunewright.compiler.importers.llama_factory_vocabulary import ALPHA_PER_RANK, DEFAULTS
from tunewright.compiler.importers.options import Options
from tunewright.compiler.importers.training import Training
from tunewright.compiler.importers.variants import EXACT_PASSES, set_pissa, set_variants
from tunewright.spec.tuners import TUNERS

_OF_ADAPTERS = (
    "lora_rank", "lora_alpha", "lora_dropout", "lora_target", "additional_target", "use_dora", "use_rslora",
    "quantization_bit", "quantization_method",
)  # fmt: skip


def set_tuner(options: Options, step: Training, life: Life) -> None:
    """Set the tuner and its own keys."""
    kind = options.word("finetuning_type") or _default("finetuning_type")
    read = _KINDS.get(str(kind.value))
    if read is None:
        life.drafting.refuse(kind.origin, f"`{kind.value}` is not a tuner here: there are {', '.join(TUNERS)}")
        return
    step.set("tuner.type", kind)
    read(options, step, life)
    for name in _OF_ADAPTERS:
        if name not in options.taken and (unused := options.take(name)) is not None:
            life.drafting.leave(unused.origin, f"means nothing to `{kind.value}`")


def _default(name: str) -> Said:
    return Said(DEFAULTS[name], "default of LLaMA-Factory")


def _full(options: Options, step: Training, life: Life) -> None:
    galore = options.flag("use_galore")
    if galore is None or not galore.value:
        return
    step.set("tuner.type", Said("galore", galore.origin))
    step.set("tuner.rank", options.integer("galore_rank"), _default("galore_rank"))
    step.set("tuner.interval", options.integer("galore_update_interval"), _default("galore_update_interval"))
    step.set("tuner.scale", options.number("galore_scale"), _default("galore_scale"))
    if (layerwise := options.take("galore_layerwise")) is not None:
        life.drafting.leave(layerwise.origin, "when gradients are freed does not change what is learned")
    for name, usual in (("galore_target", "all"), ("galore_proj_type", "std")):
        said = options.word(name)
        if said is not None and said.value == usual:
            life.drafting.leave(said.origin, "is how it is done here")
        elif said is not None:
            life.drafting.lose(said.origin, "the gradients of all linear layers are projected, the shorter side first")


def _low_rank(options: Options, step: Training, life: Life) -> None:
    rank = options.integer("lora_rank") or _default("lora_rank")
    step.set("tuner.rank", rank)
    step.set(
        "tuner.alpha",
        options.number("lora_alpha"),
        Said(float(rank.value * ALPHA_PER_RANK), "default of LLaMA-Factory: twice the rank"),
    )
    step.set("tuner.dropout", options.number("lora_dropout"), _default("lora_dropout"))
    set_layers(options.words("lora_target"), step, _default("lora_target"))
    set_saved(options, step, "additional_target")
    _quantized(options, step, life)
    flags = (("use_dora", "dora"), ("use_rslora", "rslora"), ("shift_attn", "longlora"))
    set_variants(options, step, flags, "loraplus_lr_ratio")
    _pissa(options, step, life)


def _pissa(options: Options, step: Training, life: Life) -> None:
    said, passes, convert = options.flag("pissa_init"), options.integer("pissa_iter"), options.take("pissa_convert")
    if said is None or not said.value:
        return
    passes = passes or _default("pissa_iter")
    if passes.value < 1:
        passes = passes.but(EXACT_PASSES, "the exact decomposition, as nearly as numbers hold it")
    set_pissa(step, Said(passes.value, f"{said.origin}, {passes.origin}"))
    if convert is not None:
        life.drafting.leave(convert.origin, "the result is always plain LoRA beside the model as it was")


def _quantized(options: Options, step: Training, life: Life) -> None:
    bits, method = options.integer("quantization_bit"), options.word("quantization_method")
    if bits is None:
        return
    if bits.value in (4, 8) and (method is None or method.value in ("bnb", "bitsandbytes")):
        step.set("tuner.type", Said("qlora", f"{step.values['tuner.type'].origin}, {bits.origin}"))
        step.set("tuner.bits", bits if bits.value == 8 else None)
    else:
        life.drafting.lose(bits.origin, "the base is held in 4 or 8 bits of bitsandbytes here: it stays as it is")


def _oft(options: Options, step: Training, life: Life) -> None:
    rank, size = options.integer("oft_rank"), options.integer("oft_block_size")
    if rank is not None and rank.value > 0:
        life.drafting.refuse(rank.origin, "layers are turned in blocks of a size here, not in a number of blocks")
    step.set("tuner.block_size", size, _default("oft_block_size"))
    step.set("tuner.dropout", options.number("module_dropout"), _default("module_dropout"))
    set_layers(options.words("oft_target"), step, _default("oft_target"))
    set_saved(options, step, "additional_target")
    if (bits := options.integer("quantization_bit")) is not None:
        options.take("quantization_method")
        life.drafting.refuse(bits.origin, "OFT on a base held in few bits is not in the language")


def _freeze(options: Options, step: Training, life: Life) -> None:
    count = options.integer("freeze_trainable_layers") or _default("freeze_trainable_layers")
    modules = options.words("freeze_trainable_modules") or Said(("all",), "default of LLaMA-Factory")
    extra = options.words("freeze_extra_modules")
    layers = tuple(range(-count.value, 0)) if count.value > 0 else tuple(range(-count.value))
    patterns = [name.replace(".", r"\.") for name in extra.value] if extra else []
    origin = f"{count.origin}, {modules.origin}"
    if modules.value == ("all",):
        step.set("tuner.layers", Said(layers, count.origin))
    else:
        patterns += _inside(layers, modules, origin, life)
    if patterns:
        step.set("tuner.patterns", Said(tuple(patterns), extra.origin if extra and len(patterns) == 1 else origin))


def _inside(layers: tuple[int, ...], modules: Said, origin: str, life: Life) -> list[str]:
    """Return patterns of some modules inside some blocks, for which the number of blocks must be known."""
    source = str(life.drafting.value(("base", "model")) or "")
    model = known_model(source.split("://", 1)[-1].split("@")[0], source)
    blocks = model.num_hidden_layers if model else None
    if blocks is None:
        life.drafting.refuse(origin, "how many blocks the model has is not known here: name it by its hub's name")
        return []
    numbers = "|".join(str(number % blocks) for number in layers)
    return [rf"\.({numbers})\.({'|'.join(modules.value)})"]


_KINDS: Mapping[str, Callable[[Options, Training, Life], None]] = {
    "full": _full,
    "lora": _low_rank,
    "oft": _oft,
    "freeze": _freeze,
}
