"""The divided model that is trained: base weights loaded, and adapters on top where the plan wants them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunewright.runners.contract import ExitCode
from tunewright.runners.megatron.adapters import AdapterSettings, adaptable, adapter_parameters, add_adapters
from tunewright.runners.megatron.architecture import Architecture
from tunewright.runners.megatron.artifacts import write_adapter, write_model
from tunewright.runners.megatron.layout import Layout
from tunewright.runners.megatron.mapping import Mapped, mapped_parameters
from tunewright.runners.megatron.model import build_chunks, transformer_config
from tunewright.runners.megatron.weights import HubFolder, check_all_known, load_weights
from tunewright.runners.sdk import Reporter, StepFailedError
from tunewright.runners.training.settings import TrainSettings


@dataclass(slots=True, kw_only=True)
class DividedModel:
    """This process's part of the model, not yet wrapped for training; `peft_config` describes its adapters."""

    chunks: list[Any]
    config: Any
    architecture: Architecture
    layout: Layout
    base: Path
    peft_config: Any | None = None

    def base_parameters(self) -> Iterator[tuple[Any, Mapped]]:
        """Yield the base parameters with their places in the hub format."""
        return mapped_parameters(self.chunks, self.architecture, self.config, self.layout)

    def adapter_parameters(self) -> Iterator[tuple[Any, Mapped]]:
        """Yield the adapter parameters with their places in PEFT's format."""
        return adapter_parameters(self.chunks, self.architecture, self.config, self.layout)

    def write(self, outputs: Path) -> int:
        """Write what was trained; a collective call, after which the first process has the files and their size.

        Returns the number of weights written by this process.
        """
        if self.peft_config is not None:
            return write_adapter(outputs, self.adapter_parameters(), self.peft_config)
        return write_model(outputs, self.base_parameters(), self.base)


def load_divided(
    base: Path, adapter: Path | None, architecture: Architecture, layout: Layout, settings: TrainSettings,
    report: Reporter,
) -> DividedModel:  # fmt: skip
    """Build this process's part, fill it from the hub folder, add new adapters or the ones to continue from."""
    report.phase("loading the model")
    config = transformer_config(architecture, layout)
    chunks = build_chunks(architecture, config, layout)
    model = DividedModel(chunks=chunks, config=config, architecture=architecture, layout=layout, base=base)
    merged = None if settings.tuner.makes_adapter else adapter
    hub = HubFolder(base, merged)
    load_weights(model.base_parameters(), hub, layout.tensor_parallel)
    check_all_known(model.base_parameters(), hub, tied=architecture.tied)
    report.check_cancelled()
    if settings.tuner.makes_adapter:
        _adapt(model, adapter, settings, report)
    elif architecture.balance:
        report.emit(
            "warning",
            code="experts-not-balanced",
            message=f"the model's own loss for evenly used experts (weight {architecture.balance:g}) is not added here",
        )
    return model


def _adapt(model: DividedModel, adapter: Path | None, settings: TrainSettings, report: Reporter) -> None:
    from peft import LoraConfig

    config = LoraConfig.from_pretrained(adapter) if adapter else _new_config(model.architecture, settings)
    if config.r != settings.tuner.rank:
        report.emit(
            "warning",
            code="adapter-rank-kept",
            message=f"the adapter that is continued has rank {config.r}; the step's rank {settings.tuner.rank} "
            "is not used",
        )
    add_adapters(
        model.chunks,
        model.architecture,
        model.config,
        model.layout,
        AdapterSettings(
            rank=config.r,
            scale=config.lora_alpha / (config.r**0.5 if config.use_rslora else config.r),
            dropout=config.lora_dropout,
            seed=settings.seed,
            targets=frozenset(config.target_modules),
            sequence_parallel=model.layout.sequence_parallel,
        ),
    )
    if adapter is not None:
        load_weights(model.adapter_parameters(), HubFolder(adapter), model.layout.tensor_parallel)
    model.peft_config = config


def _new_config(architecture: Architecture, settings: TrainSettings) -> Any:
    from peft import LoraConfig

    tuner, known = settings.tuner, adaptable(architecture)
    wanted = known if tuner.target_modules == "all-linear" else tuple(tuner.target_modules)
    if missing := [name for name in wanted if name not in known]:
        raise StepFailedError(
            f"the Megatron path puts no adapter on `{missing[0]}`",
            reason="TARGET_MODULE_MISSING",
            help=f"it can adapt {', '.join(known)}; or write `target_modules: all-linear`",
            code=ExitCode.IMPOSSIBLE,
        )
    return LoraConfig(
        task_type="CAUSAL_LM",
        r=tuner.rank,
        lora_alpha=tuner.alpha,
        lora_dropout=tuner.dropout,
        target_modules=list(wanted),
        use_rslora=tuner.type == "rslora",
        inference_mode=True,
    )
