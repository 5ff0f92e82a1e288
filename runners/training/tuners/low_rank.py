"""What the low-rank adapters share: PEFT's configuration and a check of the layers they name."""

from typing import Any

from tunewright.runners.contract import ExitCode
from tunewright.runners.sdk import StepFailedError
from tunewright.runners.training.settings import TrainSettings


def low_rank_config(model: Any, settings: TrainSettings, **variant: Any) -> Any:
    """Return the configuration of a new adapter; raise StepFailedError for a layer that the model does not have."""
    from peft import LoraConfig

    tuner = settings.tuner
    if isinstance(tuner.target_modules, list):
        _check_targets(model, tuner.target_modules)
    return LoraConfig(
        task_type="CAUSAL_LM",
        r=tuner.rank,
        lora_alpha=tuner.alpha,
        lora_dropout=tuner.dropout,
        target_modules=tuner.target_modules,
        **variant,
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
