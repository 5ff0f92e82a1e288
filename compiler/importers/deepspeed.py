"""Sharding as the frameworks write it: the name of a DeepSpeed preset, the path of its JSON file, or an FSDP switch."""

import re
from collections.abc import Mapping
from typing import Any

from tunewright.compiler.importers.draft import Said
from tunewright.compiler.importers.life import Life
from tunewright.compiler.importers.options import Option, as_word
from tunewright.compiler.importers.training import Training

_STAGE = re.compile(r"(?:zero|z)[-_]?([0-3])", re.IGNORECASE)
_STRATEGIES = ("ddp", "zero1", "zero2", "zero3")


def shard_by_deepspeed(option: Option, step: Training, life: Life) -> None:
    """Set strategy and offloading from a `deepspeed` option: a preset, a file that is looked into, or its content."""
    written = as_word(option.value) or ""
    settings = option.value if isinstance(option.value, Mapping) else None
    if settings is None and written.lstrip().startswith("{"):
        settings = {}
        life.drafting.lose(option.origin, "DeepSpeed settings inside an option are not read; write them to a file")
    if settings is None and written.endswith(".json"):
        settings = life.neighbours.json(written)
    if settings:
        _from_settings(settings, option, step)
    elif match := _STAGE.search(written.rsplit("/", 1)[-1]):
        step.set("parallelism.strategy", Said(_STRATEGIES[int(match[1])], option.origin))
        if "offload" in written and match[1] in "23":
            _offload(step, option, parameters=match[1] == "3")
    else:
        step.set("parallelism.strategy", Said("zero2", option.origin))
        life.drafting.assume(option.origin, "the file is not here and its name tells no stage: `zero2` is a guess")


def _from_settings(settings: Mapping[str, Any], option: Option, step: Training) -> None:
    zero = settings.get("zero_optimization")
    zero = zero if isinstance(zero, Mapping) else {}
    stage = zero.get("stage")
    stage = stage if isinstance(stage, int) and 0 <= stage <= 3 else 0
    step.set("parallelism.strategy", Said(_STRATEGIES[stage], f"{option.origin}: stage {stage}"))
    for part, name in (("optimizer", "offload_optimizer"), ("parameters", "offload_param")):
        target = zero.get(name)
        if isinstance(target, Mapping) and target.get("device") in ("cpu", "nvme"):
            step.set(f"parallelism.offload_{part}", Said("cpu", f"{option.origin}: {name} to {target['device']}"))


def _offload(step: Training, option: Option, *, parameters: bool) -> None:
    step.set("parallelism.offload_optimizer", Said("cpu", option.origin))
    if parameters:
        step.set("parallelism.offload_parameters", Said("cpu", option.origin))


def shard_by_fsdp(option: Option, step: Training, *, offload: bool) -> None:
    """Set FSDP, or ZeRO-3 where weights move to the host: both shard all, only the second can do that here."""
    if not offload:
        step.set("parallelism.strategy", Said("fsdp2", option.origin))
        return
    step.set("parallelism.strategy", Said("zero3", f"{option.origin}: with weights moved to the host"))
    _offload(step, option, parameters=True)
