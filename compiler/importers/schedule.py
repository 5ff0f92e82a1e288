"""The learning rate's way up and down, and what the optimizer and its noise are told."""

import json
from collections.abc import Mapping
from typing import Any

from tunewright.compiler.importers.draft import Said
from tunewright.compiler.importers.life import Life
from tunewright.compiler.importers.options import Options, as_number
from tunewright.compiler.importers.training import Training

_FLOOR = "cosine_with_min_lr"
#: Settings of schedules that are what our schedules do anyway.
_USUAL_SETTINGS: Mapping[str, float] = {"num_cycles": 1, "power": 1.0, "lr_end": 1e-7}


def set_warmup(options: Options, step: Training, default: Said | None, *names: str) -> None:
    """Set the warm-up in steps where it is said so, else as a share; below 1 a number of steps is a share too.

    `names` are further options that count steps.
    """
    steps = options.number("warmup_steps", *names)
    if steps is not None and 0 < steps.value < 1:
        step.set("warmup_ratio", steps)
        options.take("warmup_ratio")
    elif steps is not None and steps.value >= 1:
        step.set("warmup_steps", steps.but(int(steps.value), "whole steps") if steps.value % 1 else as_whole(steps))
        options.take("warmup_ratio")
    else:
        step.set("warmup_ratio", options.number("warmup_ratio"), default)


def as_whole(said: Said) -> Said:
    """Return the same as a whole number."""
    return Said(int(said.value), said.origin)


def set_adam(options: Options, step: Training, beta2: Said | None = None) -> None:
    """Set Adam's own numbers, where they are said or where the framework's default (`beta2`) is not ours."""
    step.set("adam_beta1", options.number("adam_beta1"))
    step.set("adam_beta2", options.number("adam_beta2"), beta2)
    step.set("adam_epsilon", options.number("adam_epsilon", "adam_eps"))
    if str(step.get("optim")).startswith(("sgd", "adafactor")):
        step.drop_unused("the optimizer is not Adam", "adam_beta1", "adam_beta2", "adam_epsilon")


def set_noise(options: Options, step: Training) -> None:
    """Set NEFTune's noise."""
    noise = options.number("neftune_noise_alpha", "noisy_embedding_alpha")
    if noise is not None and noise.value > 0:
        step.set("neftune_noise_alpha", noise)


def set_floor(options: Options, step: Training, life: Life, *, rate: str = "", lowest: str = "") -> None:
    """Set a cosine's lowest rate: a share (option `rate`), a rate (option `lowest`), or the schedule's settings."""
    share = options.number(rate) if rate else None
    absolute = options.number(lowest) if lowest else None
    settings = options.take("lr_scheduler_kwargs")
    content = _read(settings.value) if settings is not None else None
    if settings is not None and content is not None:
        found = _settings(content, settings.origin, life)
        share, absolute = found.get("min_lr_rate", share), found.get("min_lr", absolute)
    elif settings is not None:
        life.drafting.lose(settings.origin, "the settings of the schedule are not read from a text")
    peak = step.get("learning_rate")
    if share is None and absolute is not None and isinstance(peak, int | float) and peak > 0:
        share = absolute.but(round(absolute.value / peak, 6), f"of {peak:g}") if absolute.value else None
    if share is None or not 0 < share.value < 1:
        if share is not None and share.value >= 1 and step.get("lr_scheduler_type") == "cosine":
            step.set("lr_scheduler_type", share.but("constant_with_warmup", "the lowest rate is the peak"))
        elif step.get("lr_scheduler_type") == _FLOOR:
            life.drafting.lose("lr_scheduler_type", "the schedule's lowest rate is not said: it is a tenth of the peak")
        return
    if step.get("lr_scheduler_type") not in ("cosine", _FLOOR):
        life.drafting.lose(share.origin, f"the schedule {step.get('lr_scheduler_type')} has no lowest rate here")
        return
    step.set("lr_scheduler_type", share.but(_FLOOR, "a lowest rate"))
    step.set("min_lr_rate", share)


def _read(value: Any) -> Mapping[str, Any] | None:
    """Return settings that are a mapping, or a text of JSON as commands have it."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return None
    return value if isinstance(value, Mapping) else None


def _settings(settings: Mapping[str, Any], origin: str, life: Life) -> dict[str, Said]:
    found: dict[str, Said] = {}
    for key, value in settings.items():
        number = as_number(value)
        if key in ("min_lr", "min_lr_rate") and number is not None:
            found[key] = Said(number, f"{origin}: {key}")
        elif _USUAL_SETTINGS.get(key) == number:
            life.drafting.leave(f"lr_scheduler_kwargs: {key} {value}", "is what it is here")
        else:
            life.drafting.lose(f"lr_scheduler_kwargs: {key} {value}", "the schedules have no such setting here")
    return found
