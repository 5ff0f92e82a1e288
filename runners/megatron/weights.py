"""Weights between the hub format and a divided Megatron model: each process reads its part, the first one writes."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tunewright.runners.contract import ExitCode
from tunewright.runners.megatron.fusing import fuse, unfuse
from tunewright.runners.megatron.mapping import OUTPUT, Mapped
from tunewright.runners.sdk import StepFailedError

#: What some exports keep and no model reads.
_DERIVED = "rotary_emb.inv_freq"


class HubFolder:
    """The tensors of a model folder, read one at a time, with an adapter's update added where one is given."""

    def __init__(self, folder: Path, adapter: Path | None = None) -> None:
        from safetensors import safe_open

        self._files = [safe_open(path, framework="pt") for path in sorted(folder.glob("*.safetensors"))]
        self._of = {name: file for file in self._files for name in file.keys()}  # noqa: SIM118 - not a dict
        self._update = AdapterUpdate(adapter) if adapter else None

    @property
    def names(self) -> frozenset[str]:
        """Every tensor's name."""
        return frozenset(self._of)

    def tensor(self, name: str) -> Any:
        """Return one tensor; raise StepFailedError when the folder has none of that name."""
        if name not in self._of:
            raise _unfit(f"its weights have no `{name}`")
        tensor = self._of[name].get_tensor(name)
        return self._update.added_to(name, tensor) if self._update else tensor


class AdapterUpdate:
    """What an adapter in PEFT's format adds to the weights of its base: scale x B x A."""

    def __init__(self, folder: Path) -> None:
        import json

        from safetensors.torch import load_file

        settings = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
        rank = settings["r"]
        self._scale = settings["lora_alpha"] / (rank**0.5 if settings.get("use_rslora") else rank)
        self._tensors = load_file(folder / "adapter_model.safetensors")

    def added_to(self, name: str, weight: Any) -> Any:
        """Return a weight with the adapter's update for it, if there is one."""
        stem = f"base_model.model.{name.removesuffix('.weight')}"
        if f"{stem}.lora_A.weight" not in self._tensors:
            return weight
        down, up = (self._tensors[f"{stem}.lora_{half}.weight"].float() for half in "AB")
        return (weight.float() + self._scale * up @ down).to(weight.dtype)


def load_weights(parameters: Iterable[tuple[Any, Mapped]], hub: HubFolder, degree: int) -> None:
    """Fill each parameter with this process's part of its hub tensors; raise StepFailedError where one does not fit."""
    import torch
    from megatron.core import parallel_state

    rank = parallel_state.get_tensor_model_parallel_rank()
    with torch.no_grad():
        for parameter, mapped in parameters:
            parts = [hub.tensor(name) for name in mapped.hub]
            if [part.shape[0] for part in parts] != list(mapped.sizes):
                raise _unfit(f"`{mapped.hub[0]}` has {parts[0].shape[0]} rows, not {mapped.sizes[0]}")
            whole = fuse(parts, mapped.groups)
            if mapped.rows is not None and mapped.rows > whole.shape[0]:
                whole = torch.nn.functional.pad(whole, (0, 0, 0, mapped.rows - whole.shape[0]))
            if mapped.axis is not None:
                whole = whole.chunk(degree, dim=mapped.axis)[rank]
            parameter.copy_(whole)


def check_all_known(parameters: Iterable[tuple[Any, Mapped]], hub: HubFolder, *, tied: bool) -> None:
    """Refuse a model folder with weights that no process has taken; a collective call."""
    import torch

    taken = {name for _, mapped in parameters for name in mapped.hub}
    everywhere: list[Any] = [None] * torch.distributed.get_world_size()
    torch.distributed.all_gather_object(everywhere, taken)
    left = {name for name in hub.names.difference(*everywhere) if not name.endswith(_DERIVED)}
    if tied:
        left.discard(OUTPUT)
    if left:
        raise _unfit(f"its weights hold `{min(left)}`, which our Megatron path does not map")


def whole_tensors(parameters: Iterable[tuple[Any, Mapped]]) -> dict[str, Any]:
    """Return the hub tensors that this process answers for, whole and on the host; a collective call.

    A tensor is answered for by one process of the data-parallel group and, where tensor parallelism divides it, by the
    first of those that hold a part.
    """
    from megatron.core import parallel_state

    mine: dict[str, Any] = {}
    first_copy = parallel_state.get_data_parallel_rank(with_context_parallel=True) == 0
    first_part = parallel_state.get_tensor_model_parallel_rank() == 0
    for parameter, mapped in parameters:
        if mapped.expert:
            answers = parallel_state.get_expert_data_parallel_rank() == 0
            whole = parameter.detach()
        else:
            answers = first_copy and first_part
            whole = _joined(parameter.detach(), mapped.axis) if first_copy else parameter
        if answers:
            whole = whole[: sum(mapped.sizes)]
            parts = unfuse(whole, mapped.sizes, mapped.groups)
            mine |= {name: part.cpu().contiguous() for name, part in zip(mapped.hub, parts, strict=True)}
    return mine


def gathered(mine: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Bring the tensors of all processes to the first one: it gets `(name, tensor)` in order of the names.

    A collective call: every process must iterate to the end, the others get nothing. Where two processes have a tensor
    of the same name (tied embeddings at both ends of a pipeline) the first one's counts.
    """
    import torch

    group = torch.distributed.new_group(backend="gloo")
    rank = torch.distributed.get_rank()
    offers: list[Any] = [None] * torch.distributed.get_world_size()
    description = {name: (tuple(tensor.shape), tensor.dtype) for name, tensor in mine.items()}
    torch.distributed.all_gather_object(offers, description, group=group)
    for name in sorted({name for offer in offers for name in offer}):
        owner = next(index for index, offer in enumerate(offers) if name in offer)
        if rank == owner == 0:
            yield name, mine[name]
        elif rank == owner:
            torch.distributed.send(mine[name].view(-1).view(torch.uint8), 0, group=group)
        elif rank == 0:
            shape, dtype = offers[owner][name]
            tensor = torch.empty(shape, dtype=dtype)
            torch.distributed.recv(tensor.view(-1).view(torch.uint8), owner, group=group)
            yield name, tensor
    torch.distributed.destroy_process_group(group)


def _joined(part: Any, axis: int | None) -> Any:
    import torch
    from megatron.core import parallel_state

    if axis is None or parallel_state.get_tensor_model_parallel_world_size() == 1:
        return part
    parts = [torch.empty_like(part) for _ in range(parallel_state.get_tensor_model_parallel_world_size())]
    torch.distributed.all_gather(parts, part.contiguous(), group=parallel_state.get_tensor_model_parallel_group())
    return torch.cat(parts, dim=axis)


def _unfit(message: str) -> StepFailedError:
    return StepFailedError(
        f"the base model can't be divided by Megatron: {message}",
        reason="MODEL_NOT_SUPPORTED",
        help="choose another `parallelism` (`zero3`, `fsdp2`), which runs every model that transformers knows",
        code=ExitCode.IMPOSSIBLE,
    )
