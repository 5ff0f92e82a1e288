"""What a process writes into a checkpoint and takes back: its learning weights, its optimizer, its random state.

Every process keeps its own part, as it is divided: the same plan goes on from it bit for bit, another one can't.
Megatron's own sharded form can be read under another layout, but loses the step count of torch's optimizers (0.16.1).
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tunewright.runners.megatron.loop import Trainer


def save_part(folder: Path, trainer: Trainer, more: dict[str, Any]) -> None:
    """Write this process's part into a checkpoint folder; `more` are numbers of the loop."""
    import torch

    folder.mkdir(parents=True, exist_ok=True)
    torch.save(
        {
            "weights": [parameter.detach() for parameter in _learning(trainer)],
            "optimizers": [_state_of(inner) for inner in _inner_optimizers(trainer)],
            "random": _random_state(),
            "loop": more,
        },
        folder / _name(),
    )


def load_part(folder: Path, trainer: Trainer) -> dict[str, Any]:
    """Put this process back to where a checkpoint was written; return the loop's numbers."""
    kept = load_weights_back(folder, trainer)
    _restore_random(kept["random"])
    numbers: dict[str, Any] = kept["loop"]
    return numbers


def load_weights_back(folder: Path, trainer: Trainer) -> dict[str, Any]:
    """Take weights and optimizer state of a checkpoint, nothing else; return all that this process had written."""
    import torch

    kept: dict[str, Any] = torch.load(folder / _name(), map_location="cpu", weights_only=True)
    with torch.no_grad():
        for parameter, value in zip(_learning(trainer), kept["weights"], strict=True):
            parameter.copy_(value)
        for inner, state in zip(_inner_optimizers(trainer), kept["optimizers"], strict=True):
            _restore(inner, state)
    return kept


def _name() -> str:
    import torch

    return f"process-{torch.distributed.get_rank():05d}.pt"


def _learning(trainer: Trainer) -> Iterator[Any]:
    for chunk in trainer.chunks:
        yield from (parameter for parameter in chunk.parameters() if parameter.requires_grad)


def _inner_optimizers(trainer: Trainer) -> list[Any]:
    """Return torch's optimizers: one for dense weights, one for experts; what they step are this process's shards."""
    chained = getattr(trainer.optimizer, "chained_optimizers", [trainer.optimizer])
    return [each.optimizer for each in chained if each.optimizer is not None]


def _state_of(inner: Any) -> dict[str, Any]:
    return {
        "state": inner.state_dict(),
        "values": [[value.detach() for value in group["params"]] for group in inner.param_groups],
    }


def _restore(inner: Any, kept: dict[str, Any]) -> None:
    inner.load_state_dict(kept["state"])
    for group, values in zip(inner.param_groups, kept["values"], strict=True):
        for parameter, value in zip(group["params"], values, strict=True):
            parameter.copy_(value)


def _random_state() -> dict[str, Any]:
    import torch
    from megatron.core.tensor_parallel import get_cuda_rng_tracker

    return {
        "host": torch.get_rng_state(),
        "device": torch.cuda.get_rng_state(),
        "divided": get_cuda_rng_tracker().get_states(),
    }


def _restore_random(kept: dict[str, Any]) -> None:
    import torch
    from megatron.core.tensor_parallel import get_cuda_rng_tracker

    torch.set_rng_state(kept["host"])
    torch.cuda.set_rng_state(kept["device"])
    get_cuda_rng_tracker().set_states(kept["divided"])
