"""Look at a model folder before anything is trained on it: finite weights, a tokenizer, and one real answer."""

from pathlib import Path
from typing import Any

from tunewright.runners.sdk import Reporter, StepFailedError
from tunewright.runners.vision import model_class
from tunewright.spec.template_trial import find_hazard, templates_in

_QUESTION = "What is the capital of France?"


def check_model(folder: Path, report: Reporter) -> dict[str, Any]:
    """Return the figures of the model in `folder`; raise StepFailedError for a harmful chat template, NaN weights or a
    model that does not load.

    Every tensor is read, one at a time. The model is loaded and asked one question when it takes less than half of
    the free memory.
    """
    report.phase("trying the chat template")
    check_template(folder)
    report.phase("checking the weights")
    figures = check_tensors(folder, report)
    figures["chat_template"] = "yes" if _has_chat_template(folder) else "no"
    if figures["bytes"] * 2 < _available_memory_bytes():
        report.phase("asking the model one question")
        reply = _ask(folder)
        report.emit("sample", prompt=_QUESTION, reply=reply)
    else:
        report.emit(
            "warning",
            code="model-not-loaded",
            message="the model is too big for this machine's memory: it was not loaded",
        )
    if figures["chat_template"] == "no":
        report.emit(
            "warning",
            code="chat-template-missing",
            message="the model has no chat template; conversations can't be trained on it",
        )
    return figures


def check_template(folder: Path) -> None:
    """Try every chat template in a process that can do no harm, before anything here renders it."""
    for template in templates_in(folder):
        if (hazard := find_hazard(template)) is not None:
            raise StepFailedError(
                f"the model's chat template does harm: {hazard}",
                reason="TEMPLATE_HARMFUL",
                help="take the model from those who made it, or give it a chat template that you have read",
            )


def check_tensors(folder: Path, report: Reporter) -> dict[str, Any]:
    from safetensors import SafetensorError, safe_open

    parameters = size = 0
    for path in sorted(folder.glob("*.safetensors")):
        report.check_cancelled()
        try:
            with safe_open(path, framework="pt") as tensors:
                for name in tensors.keys():  # noqa: SIM118 - not a dict
                    tensor = tensors.get_tensor(name)
                    if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
                        raise StepFailedError(
                            f"{path.name}: `{name}` holds NaN or infinity",
                            reason="MODEL_NOT_FINITE",
                            help="fetch it again",
                        )
                    parameters += tensor.numel()
        except SafetensorError as error:
            raise StepFailedError(
                f"{path.name} is damaged: {error}", reason="MODEL_UNREADABLE", help="fetch it again"
            ) from error
        size += path.stat().st_size
    return {"parameters": parameters, "bytes": size}


def _ask(folder: Path) -> str:
    import torch
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(folder)
        model = model_class(folder).from_pretrained(folder, dtype=torch.bfloat16)
    except (ValueError, KeyError, OSError, ImportError) as error:
        raise StepFailedError(
            f"the model does not load: {error}",
            reason="MODEL_UNREADABLE",
            help="transformers must know its architecture",
        ) from error
    if tokenizer.chat_template:
        text = tokenizer.apply_chat_template(
            [{"role": "user", "content": _QUESTION}], tokenize=False, add_generation_prompt=True
        )
        encoded = tokenizer(text, return_tensors="pt", add_special_tokens=False)
    else:
        encoded = tokenizer(_QUESTION, return_tensors="pt")
    with torch.inference_mode():
        if not bool(model(**encoded).logits.isfinite().all()):
            raise StepFailedError(
                "the model answers with NaN", reason="MODEL_NOT_FINITE", help="fetch it again, or use other weights"
            )
        generated = model.generate(**encoded, max_new_tokens=24, do_sample=False)
    return str(tokenizer.decode(generated[0, encoded["input_ids"].shape[1] :], skip_special_tokens=True)).strip()


def _has_chat_template(folder: Path) -> bool:
    settings = folder / "tokenizer_config.json"
    return (folder / "chat_template.jinja").exists() or (
        settings.exists() and '"chat_template"' in settings.read_text(encoding="utf-8")
    )


def _available_memory_bytes() -> int:
    import psutil

    return int(psutil.virtual_memory().available)
