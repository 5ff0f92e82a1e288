"""Put small modules at a model's blocks, save them alone, put them back.

What is saved looks like an adapter of PEFT: `adapter_config.json`, which names the kind under `attachment`, and
`adapter_model.safetensors`. A module sits in its block as a child and acts on what the block passes on, so that
generation, caches and copies of the model work as without it.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tunewright.runners.model_blocks import block_numbers, blocks_of
from tunewright.runners.sdk import StepFailedError

CONFIG = "adapter_config.json"
WEIGHTS = "adapter_model.safetensors"
_CHILD = "attachment"


def attachment_form(folder: Path) -> Mapping[str, Any] | None:
    """Return the kind, rank and blocks of a saved attachment; None where the adapter is PEFT's."""
    form: dict[str, Any] = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    return form if "attachment" in form else None


def attach(model: Any, form: Mapping[str, Any]) -> None:
    """Freeze a model and put new modules of a form at its blocks, which learn."""
    blocks = blocks_of(model)
    hidden = model.config.get_text_config().hidden_size
    model.requires_grad_(False)
    for number in block_numbers(form["layers"] or range(len(blocks)), len(blocks)):
        module = _kind(form["attachment"])(hidden, form["rank"])
        blocks[number].add_module(_CHILD, module.to(next(blocks[number].parameters()).device))
        blocks[number].register_forward_hook(_pass_on)


def save_attachments(model: Any, form: Mapping[str, Any], folder: Path) -> None:
    """Write the modules and their form, nothing of the model."""
    from safetensors.torch import save_file

    tensors = {
        f"{name}.{key}": tensor.detach().cpu().contiguous()
        for name, module in _attached(model)
        for key, tensor in module.state_dict().items()
    }
    save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})
    text = json.dumps(dict(form), indent=2, sort_keys=True)
    (folder / CONFIG).write_text(text + "\n", encoding="utf-8")


def load_attachments(model: Any, folder: Path, *, trainable: bool) -> Any:
    """Return the model with a folder's modules at its blocks; raise StepFailedError where they don't fit."""
    from safetensors.torch import load_file

    attach(model, json.loads((folder / CONFIG).read_text(encoding="utf-8")))
    tensors, used = load_file(folder / WEIGHTS), 0
    for name, module in _attached(model):
        own = {key: tensors.get(f"{name}.{key}") for key in module.state_dict()}
        if any(tensor is None or tensor.shape != module.state_dict()[key].shape for key, tensor in own.items()):
            raise _mismatch(name)
        module.load_state_dict(own)
        used += len(own)
        if not trainable:
            module.requires_grad_(False)
            if hasattr(module, "settle"):
                module.settle()
    if used != len(tensors):
        raise _mismatch(sorted(tensors)[0])
    return model


def _attached(model: Any) -> Iterator[tuple[str, Any]]:
    for name, module in model.named_modules():
        if name.rpartition(".")[2] == _CHILD:
            yield name, module


def _kind(name: str) -> type[Any]:
    from tunewright.runners.attachments.bottleneck import Bottleneck
    from tunewright.runners.attachments.intervention import Intervention

    return {"bottleneck": Bottleneck, "reft": Intervention}[name]


def _pass_on(block: Any, _inputs: Any, output: Any) -> Any:
    attachment = getattr(block, _CHILD)
    if isinstance(output, tuple):
        return (attachment(output[0]), *output[1:])
    return attachment(output)


def _mismatch(name: str) -> StepFailedError:
    return StepFailedError(
        f"the adapter does not fit the model: `{name}` differs",
        reason="ADAPTER_MISMATCH",
        help="use the adapter with the base model that it was trained on",
    )
