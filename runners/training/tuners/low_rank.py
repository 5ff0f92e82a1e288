"""What adapters beside linear layers share: which layers they change, and PEFT's configuration of the low-rank ones."""

import re
from typing import Any

from tunewright.runners.contract import ExitCode
from tunewright.runners.sdk import StepFailedError
from tunewright.runners.training.methods.method import training_method
from tunewright.runners.training.settings import TrainSettings
from tunewright.runners.vision import ENCODER_NAMES


def low_rank_config(model: Any, settings: TrainSettings, **variant: Any) -> Any:
    """Return the configuration of a new adapter; raise StepFailedError for a layer that the model does not have."""
    from peft import LoraConfig

    tuner = settings.tuner
    return LoraConfig(
        task_type=training_method(settings.method).task,
        r=tuner.rank,
        lora_alpha=tuner.alpha,
        lora_dropout=tuner.dropout,
        **chosen_layers(model, settings),
        **variant,
    )


def chosen_layers(model: Any, settings: TrainSettings) -> dict[str, Any]:
    """Return which layers get adapters and which modules learn in full, in PEFT's words; raise StepFailedError."""
    tuner = settings.tuner
    pattern, saved = tuner.options.get("target_pattern"), tuner.options.get("modules_to_save")
    if pattern is not None:
        _check_pattern(model, pattern)
    elif isinstance(tuner.target_modules, list):
        _check_targets(model, tuner.target_modules)
    if saved:
        _check_targets(model, list(saved))
    encoder = _image_encoder(model)
    return {
        "target_modules": pattern or tuner.target_modules,
        "modules_to_save": list(saved) if saved else None,
        **({"exclude_modules": encoder} if pattern is None and encoder else {}),
    }


def layers_named(model: Any, wanted: list[str]) -> list[str]:
    """Return the whole names of the modules that are called as wanted; raise StepFailedError where one has none."""
    _check_targets(model, wanted)
    return [
        name
        for name, _ in model.named_modules()
        if any(name == target or name.endswith(f".{target}") for target in wanted)
    ]


def _image_encoder(model: Any) -> str | None:
    """Adapters go into the language model; the image encoder stays as it is, unless a pattern names its layers."""
    if getattr(model.config, "vision_config", None) is None:
        return None
    return rf".*\b(?:{'|'.join(ENCODER_NAMES)})\..*"


def _check_pattern(model: Any, pattern: str) -> None:
    if not any(re.fullmatch(pattern, name) for name, _ in model.named_modules()):
        names = [name for name, module in model.named_modules() if type(module).__name__.startswith("Linear")]
        raise StepFailedError(
            "no layer of the model fits `target_pattern`",
            reason="TARGET_MODULE_MISSING",
            help=f"its linear layers are called like {', '.join(names[:2])}",
            code=ExitCode.IMPOSSIBLE,
        )


def _check_targets(model: Any, wanted: list[str]) -> None:
    names = {name for name, _ in model.named_modules()}
    missing = [target for target in wanted if not any(name == target or name.endswith(f".{target}") for name in names)]
    if missing:
        linear = sorted(
            {
                name.rpartition(".")[2]
                for name, module in model.named_modules()
                if type(module).__name__.startswith("Linear")
            }
        )
        raise StepFailedError(
            f"the model has no module `{missing[0]}`",
            reason="TARGET_MODULE_MISSING",
            help=f"its linear modules are {', '.join(linear)}; or write `target_modules: all-linear`",
            code=ExitCode.IMPOSSIBLE,
        )
