"""The model that is trained: base weights in the right precision, and the adapter on top of them."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunewright.runners.sdk import Reporter, StepFailedError
from tunewright.runners.training.merging import merge_first
from tunewright.runners.training.methods.method import training_method
from tunewright.runners.training.precision import weights_precision
from tunewright.runners.training.settings import Parallelism, TrainSettings
from tunewright.runners.training.tuners.tuner import training_tuner
from tunewright.runners.training.vocabulary import hold_together
from tunewright.runners.vision import reader_class, text_part

#: In what transformers says of weights that don't fit their configuration.
_OTHER_SHAPES = "ignore_mismatched_sizes"


@dataclass(frozen=True, slots=True, kw_only=True)
class TunedModel:
    """What a trainer is given.

    `peft_config` is for a new adapter: the trainer adds it after seeding, and its reference is the model without it.
    A continued adapter is already in `model`; then the trainer freezes a copy of it as the reference. Where all weights
    learn it loads the reference from the folder that `model` came from. `tokenizer` is a processor where the model sees
    images.
    """

    model: Any
    tokenizer: Any
    peft_config: Any | None = None


def load_tuned_model(
    model_folder: Path, adapter: Path | None, settings: TrainSettings, work: Path, report: Reporter
) -> TunedModel:
    """Load the base model, its tokenizer and the adapter to continue from; raise StepFailedError.

    An adapter that shall not go on as one is merged in a folder below `work` first.
    """
    report.phase("loading the model")
    tokenizer = _load_tokenizer(model_folder, adapter if adapter and _has_tokenizer(adapter) else model_folder)
    hold_together(text_part(tokenizer), model_folder)
    if (text := text_part(tokenizer)).pad_token is None:
        text.pad_token = text.eos_token
    if adapter is not None and not settings.tuner.makes_adapter:
        base = model_folder
        model_folder, adapter = merge_first(lambda: _load_base(base, settings), adapter, work), None
    model = _load_base(model_folder, settings, sharding=_sharded_at_load(settings.parallelism, settings.device))
    report.check_cancelled()
    if adapter is not None:
        return _continue_adapter(model, tokenizer, adapter, settings, report)
    tuner = training_tuner(settings)
    model = tuner.prepare(model, settings)
    return TunedModel(model=model, tokenizer=tokenizer, peft_config=tuner.adapter(model, settings))


def _load_tokenizer(model_folder: Path, folder: Path) -> Any:
    try:
        return reader_class(model_folder).from_pretrained(folder)
    except Exception as error:  # whatever the folder's files make of the library
        first = next(iter(str(error).splitlines()), type(error).__name__)
        raise StepFailedError(
            f"the tokenizer does not load: {first}",
            reason="MODEL_UNREADABLE",
            help="fetch the model's tokenizer files again, or use a model that transformers knows",
        ) from error


def _load_base(folder: Path, settings: TrainSettings, *, sharding: Any | None = None) -> Any:
    import torch
    from safetensors import SafetensorError

    dtype = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}[weights_precision(settings)]
    extra = training_tuner(settings).loading(settings)
    if sharding is not None:
        extra["distributed_config"] = sharding
    try:
        return training_method(settings.method).load(
            folder,
            settings,
            **{"dtype": dtype, "attn_implementation": settings.attention, "use_safetensors": True, **extra},
        )
    except (ValueError, KeyError, OSError, ImportError, RuntimeError, SafetensorError) as error:
        if isinstance(error, RuntimeError) and _OTHER_SHAPES not in str(error):
            raise
        told = "its weights have other shapes than its config.json says" if _OTHER_SHAPES in str(error) else str(error)
        raise StepFailedError(
            f"the base model does not load: {told.splitlines()[0]}",
            reason="MODEL_UNREADABLE",
            help="check that transformers knows the architecture and that `attention` fits it",
        ) from error


def _sharded_at_load(parallelism: Parallelism, device: str) -> Any | None:
    """On processors accelerate would quietly run DDP instead of FSDP: there torch shards the model while it loads."""
    if parallelism.strategy != "fsdp2" or device != "cpu":
        return None
    from transformers.distributed import DistributedConfig

    copies = parallelism.data_parallel_replicate
    return DistributedConfig(fsdp_size=parallelism.processes // copies, dp_replicate_size=copies)


def _continue_adapter(
    model: Any, tokenizer: Any, adapter: Path, settings: TrainSettings, report: Reporter
) -> TunedModel:
    tuned = training_tuner(settings).go_on(model, adapter, settings)
    rank = _rank(adapter) or settings.tuner.rank
    if rank != settings.tuner.rank:
        report.emit(
            "warning",
            code="adapter-rank-kept",
            message=f"the adapter that is continued has rank {rank}; the step's rank {settings.tuner.rank} is not used",
        )
    return TunedModel(model=tuned, tokenizer=tokenizer)


def _rank(adapter: Path) -> int | None:
    stated: int | None = json.loads((adapter / "adapter_config.json").read_text(encoding="utf-8")).get("r")
    return stated


def _has_tokenizer(folder: Path) -> bool:
    return (folder / "tokenizer_config.json").exists()
