"""The model that is trained: base weights in the right precision, and the adapter on top of them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunewright.runners.contract import ExitCode
from tunewright.runners.sdk import Reporter, StepFailedError
from tunewright.runners.training.settings import Parallelism, TrainSettings, Tuner


@dataclass(frozen=True, slots=True, kw_only=True)
class TunedModel:
    """What a trainer is given.

    `peft_config` is for a new adapter: the trainer adds it after seeding, and its reference is the model without it.
    A continued adapter is already in `model`; then the trainer freezes a copy of it as the reference. `reference` is
    given only where neither works.
    """

    model: Any
    tokenizer: Any
    peft_config: Any | None = None
    reference: Any | None = None


def load_tuned_model(model_folder: Path, adapter: Path | None, settings: TrainSettings, report: Reporter) -> TunedModel:
    """Load the base model, its tokenizer and the adapter to continue from; raise StepFailedError."""
    from transformers import AutoTokenizer

    report.phase("loading the model")
    tokenizer = AutoTokenizer.from_pretrained(adapter if adapter and _has_tokenizer(adapter) else model_folder)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    model = _load_base(model_folder, settings)
    report.check_cancelled()
    if adapter is None:
        return TunedModel(model=model, tokenizer=tokenizer, peft_config=_adapter_config(model, settings.tuner))
    return _continue_adapter(model, tokenizer, adapter, settings, report)


def weights_precision(settings: TrainSettings) -> str:
    """Return the precision that the loaded weights have: bf16, fp16 or fp32.

    Frozen base weights are kept as short as the spec says. Weights that are trained themselves stay fp32 under
    autocast: an update smaller than a bf16 step would be lost. DeepSpeed keeps fp32 masters itself.
    """
    trains_weights = not settings.tuner.makes_adapter
    if trains_weights and not settings.parallelism.uses_deepspeed:
        return "fp32"
    return settings.precision


def uses_autocast(settings: TrainSettings) -> bool:
    """Say whether forward passes run under mixed precision.

    On a processor an adapter over short weights is faster without: autocast would convert at every layer.
    """
    if settings.precision == "fp32":
        return False
    return settings.device == "cuda" or not settings.tuner.makes_adapter or settings.parallelism.uses_deepspeed


def _load_base(folder: Path, settings: TrainSettings) -> Any:
    import torch
    from transformers import AutoModelForCausalLM

    dtype = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}[weights_precision(settings)]
    extra: dict[str, Any] = {}
    if settings.tuner.type == "qlora":
        extra["quantization_config"] = _four_bits(torch.float32 if settings.precision == "fp32" else dtype)
        extra["device_map"] = {"": _device(settings)}
    if (sharding := _sharded_at_load(settings.parallelism, settings.device)) is not None:
        extra["distributed_config"] = sharding
    try:
        return AutoModelForCausalLM.from_pretrained(
            folder, dtype=dtype, attn_implementation=settings.attention, use_safetensors=True, **extra
        )
    except (ValueError, KeyError, OSError, ImportError) as error:
        raise StepFailedError(
            f"the base model does not load: {str(error).splitlines()[0]}",
            reason="MODEL_UNREADABLE",
            help="check that transformers knows the architecture and that `attention` fits it",
        ) from error


def _four_bits(compute_dtype: Any) -> Any:
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=compute_dtype,
    )


def _device(settings: TrainSettings) -> Any:
    import os

    return int(os.environ.get("LOCAL_RANK", "0")) if settings.device == "cuda" else "cpu"


def _sharded_at_load(parallelism: Parallelism, device: str) -> Any | None:
    """On processors accelerate would quietly run DDP instead of FSDP: there torch shards the model while it loads."""
    if parallelism.strategy != "fsdp2" or device != "cpu":
        return None
    from transformers.distributed import DistributedConfig

    return DistributedConfig(fsdp_size=parallelism.processes)


def _adapter_config(model: Any, tuner: Tuner) -> Any | None:
    if not tuner.makes_adapter:
        return None
    from peft import LoraConfig

    if isinstance(tuner.target_modules, list):
        _check_targets(model, tuner.target_modules)
    return LoraConfig(
        task_type="CAUSAL_LM",
        r=tuner.rank,
        lora_alpha=tuner.alpha,
        lora_dropout=tuner.dropout,
        target_modules=tuner.target_modules,
        use_dora=tuner.type == "dora",
        use_rslora=tuner.type == "rslora",
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


def _continue_adapter(
    model: Any, tokenizer: Any, adapter: Path, settings: TrainSettings, report: Reporter
) -> TunedModel:
    from peft import PeftModel

    zero3_plain = settings.parallelism.strategy == "zero3" and settings.tuner.type != "qlora"
    tuned = PeftModel.from_pretrained(
        model, adapter, is_trainable=settings.tuner.makes_adapter, autocast_adapter_dtype=not zero3_plain
    )
    if not settings.tuner.makes_adapter:
        import copy

        merged = tuned.merge_and_unload().requires_grad_(True)
        return TunedModel(
            model=merged,
            tokenizer=tokenizer,
            reference=copy.deepcopy(merged) if settings.method in ("dpo", "kto") else None,
        )
    rank = getattr(tuned.peft_config["default"], "r", settings.tuner.rank)
    if rank != settings.tuner.rank:
        report.emit(
            "warning",
            code="adapter-rank-kept",
            message=f"the adapter that is continued has rank {rank}; the step's rank {settings.tuner.rank} is not used",
        )
    return TunedModel(model=tuned, tokenizer=tokenizer)


def _has_tokenizer(folder: Path) -> bool:
    return (folder / "tokenizer_config.json").exists()
