"""Checkpoints of a model that torch shards while it loads (FSDP2 on processors), which transformers can't keep.

The weights that learn and the optimizer's state are gathered, whole and by name, and written without pickles.
"""

import json
from pathlib import Path
from typing import Any

_WEIGHTS = "sharded_model.safetensors"
_OPTIMIZER = "sharded_optimizer.safetensors"
_GROUPS = "sharded_optimizer.json"
_BETWEEN = "|"  # no name of a parameter has it


def save_sharded(model: Any, optimizer: Any, folder: Path, *, writes: bool) -> None:
    """Gather weights and optimizer state (all processes take part) and let one process write them."""
    from safetensors.torch import save_file
    from torch.distributed.checkpoint.state_dict import get_state_dict

    weights, state = get_state_dict(model, _own(optimizer), options=_options(trained_only=True))
    if not writes:
        return
    save_file({name: tensor.contiguous().clone() for name, tensor in weights.items()}, folder / _WEIGHTS)
    tensors = {
        f"{name}{_BETWEEN}{key}": tensor.contiguous().clone()
        for name, values in state["state"].items()
        for key, tensor in values.items()
    }
    save_file(tensors, folder / _OPTIMIZER)
    (folder / _GROUPS).write_text(json.dumps(state["param_groups"], indent=1) + "\n", encoding="utf-8")


def load_sharded_weights(model: Any, folder: Path) -> None:
    """Give every process its share of the weights of a checkpoint."""
    from safetensors.torch import load_file
    from torch.distributed.checkpoint.state_dict import set_model_state_dict

    found = set_model_state_dict(model, load_file(folder / _WEIGHTS), options=_options())
    if found.unexpected_keys:
        raise ValueError(f"{folder.name} holds a weight that the model has not: {found.unexpected_keys[0]}")


def load_sharded_optimizer(model: Any, optimizer: Any, folder: Path) -> None:
    """Give every process its share of the optimizer's state of a checkpoint."""
    from safetensors.torch import load_file
    from torch.distributed.checkpoint.state_dict import set_optimizer_state_dict

    state: dict[str, dict[str, Any]] = {}
    for name, tensor in load_file(folder / _OPTIMIZER).items():
        parameter, _, key = name.partition(_BETWEEN)
        state.setdefault(parameter, {})[key] = tensor
    groups = json.loads((folder / _GROUPS).read_text(encoding="utf-8"))
    whole = {"state": state, "param_groups": groups}
    set_optimizer_state_dict(model, _own(optimizer), whole, options=_options())


def _options(*, trained_only: bool = False) -> Any:
    from torch.distributed.checkpoint.state_dict import StateDictOptions

    return StateDictOptions(
        full_state_dict=True, cpu_offload=trained_only, ignore_frozen_params=trained_only, strict=False
    )


def _own(optimizer: Any) -> Any:
    """Return torch's optimizer inside accelerate's wrapper."""
    return getattr(optimizer, "optimizer", optimizer)
