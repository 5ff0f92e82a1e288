"""Load a language model as its folder says: offline, without code from the folder, at a stated precision.

torch, transformers and peft are imported inside functions, so that a bad bundle is refused before they cost seconds.
"""

import json
import os
from pathlib import Path
from typing import Any

from tunewright.runners.attachments.attachment import attachment_form, load_attachments
from tunewright.runners.attachments.lead_in import put_in_front
from tunewright.runners.contract import ExitCode
from tunewright.runners.sdk import StepFailedError
from tunewright.runners.vision import model_class

PRECISIONS = {"bf16": "bfloat16", "fp16": "float16", "fp32": "float32"}

WEIGHT_SUFFIXES = (".safetensors", ".bin", ".gguf", ".pt", ".pth")

_QUIET = {
    "DO_NOT_TRACK": "1",
    "HF_DATASETS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_OFFLINE": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "TRANSFORMERS_VERBOSITY": "error",
}


def settle(*, threads: int, device: str, seed: int | None = None) -> None:
    """Close the network for the hub libraries, set the thread count and the seed; call before anything is loaded.

    Raises StepFailedError (69) when the machine lacks the device.
    """
    os.environ.update(_QUIET)
    # Threads that spin while they wait make two of them slower than one on a busy machine.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("GOMP_SPINCOUNT", "0")
    os.environ["OMP_NUM_THREADS"] = str(threads)
    import torch
    from transformers.utils import logging

    torch.set_num_threads(threads)
    logging.disable_progress_bar()
    if device != "cpu" and not torch.cuda.is_available():
        raise StepFailedError(
            f"this machine has no usable `{device}` device",
            reason="NO_DEVICE",
            help="run on a machine with an accelerator, or set `resources: {accelerator: cpu}`",
            code=ExitCode.UNAVAILABLE,
        )
    if seed is not None:
        torch.manual_seed(seed)


def dtype_of(precision: str) -> Any:
    """Return the torch dtype of `bf16`, `fp16` or `fp32`; raise StepFailedError (78) for another word."""
    import torch

    if precision not in PRECISIONS:
        raise StepFailedError(
            f"unknown precision `{precision}`",
            reason="IMPOSSIBLE",
            help=f"use one of {', '.join(PRECISIONS)}",
            code=ExitCode.IMPOSSIBLE,
        )
    return getattr(torch, PRECISIONS[precision])


def quantization_of(folder: Path) -> str | None:
    """Return the quantisation method that the folder's config.json states, or None for plain weights."""
    try:
        settings = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _not_loadable(folder, f"no readable config.json ({error})") from error
    stated = settings.get("quantization_config")
    return None if stated is None else str(stated.get("quant_method", "unknown"))


def weight_bytes(folder: Path) -> int:
    """Return the size in bytes of the weight files of a model or adapter folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.suffix in WEIGHT_SUFFIXES)


def load_tokenizer(folder: Path) -> Any:
    """Load the tokenizer of a model folder; padding is left for generation and always possible."""
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
    except Exception as error:
        raise _not_loadable(folder, f"its tokenizer can't be read: {error}") from error
    tokenizer.padding_side = "left"
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def load_model(folder: Path, *, precision: str, device: str, quantization: Any = None) -> Any:
    """Load the model of a folder for inference; `quantization` is a transformers quantisation config to apply.

    Raises StepFailedError when the folder is not a model or lacks weights (transformers would fill those with noise).
    """
    extra = {} if quantization is None else {"quantization_config": quantization}
    dtype = dtype_of(precision)
    try:
        model, loading = model_class(folder).from_pretrained(
            str(folder), dtype=dtype, device_map={"": device}, local_files_only=True, output_loading_info=True, **extra
        )
    except (OSError, ValueError, KeyError, RuntimeError, ImportError) as error:
        raise _not_loadable(folder, str(error)) from error
    if missing := sorted(loading["missing_keys"]):
        raise _not_loadable(folder, f"{len(missing)} tensors are missing, such as `{missing[0]}`")
    return model.eval()


def attach_adapter(model: Any, adapter: Path, *, trainable: bool = False) -> Any:
    """Put an adapter on a loaded model without merging it; raise StepFailedError when it does not fit."""
    if attachment_form(adapter) is not None:
        return load_attachments(model, adapter, trainable=trainable).eval()
    from peft import PeftModel

    try:
        return PeftModel.from_pretrained(model, str(adapter), is_trainable=trainable, local_files_only=True).eval()
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise StepFailedError(
            f"the adapter does not fit the model: {str(error).splitlines()[0]}",
            reason="ADAPTER_MISMATCH",
            help="use the adapter with the base model that it was trained on",
        ) from error


def load_for_inference(folder: Path, adapter: Path | None, *, precision: str, device: str) -> Any:
    """Load a model with its adapter melted in, so that inference costs no more than the base.

    On quantised weights the adapter stays beside them: merging would round it away. Modules of our own always do. What
    an adapter puts in front of every text is asked for by `lead_in`.
    """
    model = load_model(folder, precision=precision, device=device)
    if adapter is None:
        return model
    adapted = attach_adapter(model, adapter)
    if adapted is model:
        return model
    if adapted.active_peft_config.is_prompt_learning:
        return put_in_front(adapted).eval()
    return adapted.get_base_model() if quantization_of(folder) else adapted.merge_and_unload().eval()


def stop_tokens(model: Any, tokenizer: Any) -> list[int]:
    """Return the token ids that end a reply: those the model's generation settings name and the tokenizer's own."""
    stated = model.generation_config.eos_token_id
    ids = set(stated) if isinstance(stated, list | tuple) else {stated}
    ids.add(tokenizer.eos_token_id)
    return sorted(item for item in ids if item is not None)


def _not_loadable(folder: Path, why: str) -> StepFailedError:
    return StepFailedError(
        f"the model folder can't be loaded: {why}"[:2000],
        reason="MODEL_NOT_LOADABLE",
        help=f"check that {folder} is a whole model folder (config.json, safetensors, tokenizer) of a supported kind",
    )
