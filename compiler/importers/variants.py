"""Variants of LoRA as the frameworks switch them on: flags, a rate of the second matrix, another start."""

import re
from collections.abc import Iterable

from tunewright.compiler.importers.draft import Said
from tunewright.compiler.importers.options import Options
from tunewright.compiler.importers.training import Training

#: Passes of the decomposition where the exact one is asked for: more change nothing that a float can hold.
EXACT_PASSES = 64
_PISSA = re.compile(r"pissa(?:_niter_(\d{1,3}))?")


def set_variants(options: Options, step: Training, flags: Iterable[tuple[str, str]], ratio: str) -> None:
    """Set the variant that a flag (its name, our tuner) or a ratio above 1 asks for."""
    for flag, ours in flags:
        said = options.flag(flag)
        if said is not None and said.value:
            vary(step, ours, said)
    said = options.number(ratio)
    if said is not None and said.value > 1 and vary(step, "loraplus", said):
        step.set("tuner.ratio", said)


def set_start(options: Options, step: Training, name: str) -> None:
    """Set PiSSA where an option names it as the adapters' start; other starts are left to be reported."""
    option = options.items.get(name)
    match = _PISSA.fullmatch(str(option.value)) if option is not None else None
    if option is not None and match is not None:
        options.take(name)
        set_pissa(step, Said(int(match[1] or EXACT_PASSES), option.origin))


def set_pissa(step: Training, passes: Said) -> None:
    """Set PiSSA with so many passes."""
    if vary(step, "pissa", passes):
        step.set("tuner.iterations", passes)


def vary(step: Training, kind: str, said: Said) -> bool:
    """Make plain LoRA a variant of it; on a base held in few bits, or beside another variant, it stays as it is."""
    if step.get("tuner.type") == "lora":
        step.set("tuner.type", Said(kind, said.origin))
        return True
    why = "on a base held in few bits adapters are plain LoRA here"
    if step.get("tuner.type") != "qlora":
        why = f"a step has one tuner, and this one has `{step.get('tuner.type')}`"
    step.drafting.lose(said.origin, why)
    return False
