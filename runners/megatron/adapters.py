"""LoRA on Megatron's fused and divided linear layers: one adapter for each of the hub's projections, as PEFT has them.

Of a layer divided by its rows (`linear_qkv`, `linear_fc1`) every process has the whole A and its rows of B; of one
divided by its columns (`linear_proj`, `linear_fc2`) its columns of A and the whole B. Under sequence parallelism what
is whole sees a part of the sequence only: its gradients are parts of a sum, marked for `finalize_model_grads`.
"""

import hashlib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from tunewright.runners.megatron.architecture import Architecture
from tunewright.runners.megatron.fusing import fuse
from tunewright.runners.megatron.layout import Layout
from tunewright.runners.megatron.mapping import ATTENTION_OUTPUT, QUERY_KEY_VALUE, Mapped, first_layers, fused_sizes

_PEFT_PREFIX = "base_model.model."


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterSettings:
    """What all adapters of a step have in common; `scale` multiplies the update, `targets` are last names of layers."""

    rank: int
    scale: float
    dropout: float
    seed: int
    targets: frozenset[str]
    sequence_parallel: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """A linear layer that can be adapted: its path in a layer, its projections with this process's rows of each."""

    path: str
    rows_divided: bool
    parts: Mapping[str, int]
    groups: int = 1


class Adapter(torch.nn.Module):  # type: ignore[misc]
    """The update of one linear layer: for each hub projection in it `scale x B x A`, laid out as the layer's output.

    `down` (A) and `up` (B) are keyed by the projection's last name; a projection that is not adapted adds nothing.
    """

    def __init__(self, width: int, place: _Place, settings: AdapterSettings) -> None:
        super().__init__()
        self.place, self.settings, self.acts = place, settings, True
        adapted = {_last(name): rows for name, rows in place.parts.items() if _last(name) in settings.targets}
        self.down = torch.nn.ParameterDict({name: torch.empty(settings.rank, width) for name in adapted})
        self.up = torch.nn.ParameterDict({name: torch.zeros(rows, settings.rank) for name, rows in adapted.items()})
        self.dropout = torch.nn.Dropout(settings.dropout)
        whole, divided = (self.down, self.up) if place.rows_divided else (self.up, self.down)
        for half in whole.values():
            half.sequence_parallel = settings.sequence_parallel
        for half in divided.values():
            half.tensor_model_parallel = True

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """Return what is added to the linear layer's output, `[sequence, batch, rows of this process]`."""
        low = torch.nn.functional.linear(self._dropped(hidden), torch.cat(list(self.down.values())))
        each = dict(zip(self.down, self._exchanged(low).split(self.settings.rank, dim=-1), strict=True))
        shape = next(iter(each.values())).shape[:-1]
        updates = [
            torch.nn.functional.linear(each[_last(name)], self.up[_last(name)])
            if _last(name) in each
            else hidden.new_zeros((*shape, rows))
            for name, rows in self.place.parts.items()
        ]
        return self.settings.scale * fuse(updates, self.place.groups, dim=-1)

    def halves(self) -> Iterator[tuple[str, Any, Any]]:
        """Yield each adapted projection's hub name inside the layer, its A and its B."""
        for name in self.place.parts:
            if _last(name) in self.down:
                yield name, self.down[_last(name)], self.up[_last(name)]

    def _dropped(self, hidden: torch.Tensor) -> torch.Tensor:
        """Where processes hold different parts of the input, each drops by its own chance; else all by the same."""
        if self.settings.dropout == 0.0 or (self.place.rows_divided and not self.settings.sequence_parallel):
            return self.dropout(hidden)
        from megatron.core.tensor_parallel import get_cuda_rng_tracker

        with get_cuda_rng_tracker().fork():
            return self.dropout(hidden)

    def _exchanged(self, low: torch.Tensor) -> torch.Tensor:
        """Do between the two factors what the base layer's division asks for; backwards, the opposite.

        Beside divided rows every process gets the whole product with A; beside divided columns the products with their
        parts of A are added.
        """
        from megatron.core.tensor_parallel import mappings

        if self.place.rows_divided:
            if self.settings.sequence_parallel:
                return mappings.gather_from_sequence_parallel_region(low)
            return mappings.copy_to_tensor_model_parallel_region(low)
        if self.settings.sequence_parallel:
            return mappings.reduce_scatter_to_sequence_parallel_region(low)
        return mappings.reduce_from_tensor_model_parallel_region(low)


def add_adapters(
    chunks: list[Any], architecture: Architecture, config: Any, layout: Layout, settings: AdapterSettings
) -> None:
    """Freeze the model and put an adapter beside every linear layer that holds a target.

    The first values of A follow from the seed and the projection's name alone, so that every layout starts equal.
    """
    for chunk in chunks:
        chunk.requires_grad_(False)
        if chunk.pre_process:
            # Recomputed layers pass gradients on only where their input has some.
            chunk.embedding.register_forward_hook(lambda _module, _arguments, output: output.requires_grad_())
    for prefix, layer in _layers(chunks, config, layout):
        for place in _places(architecture, config, layout):
            linear = _submodule(layer, place.path)
            if linear is None or not settings.targets & {_last(name) for name in place.parts}:
                continue
            linear.add_module("adapter", Adapter(linear.weight.shape[1], place, settings))
            linear.register_forward_hook(_add_update)
            for name, down, _ in linear.adapter.halves():
                _draw(down, f"{settings.seed}/{prefix}{name}", columns_divided=not place.rows_divided, layout=layout)


def adapter_parameters(
    chunks: list[Any], architecture: Architecture, config: Any, layout: Layout
) -> Iterator[tuple[Any, Mapped]]:
    """Yield every adapter parameter of this process with its name in PEFT's format and how it is divided."""
    for prefix, layer in _layers(chunks, config, layout):
        for place in _places(architecture, config, layout):
            adapter = getattr(_submodule(layer, place.path), "adapter", None)
            for name, down, up in adapter.halves() if adapter is not None else ():
                hub = f"{_PEFT_PREFIX}{prefix}{name}"
                rows = up.shape[0] * (layout.tensor_parallel if place.rows_divided else 1)
                axes = (None, 0) if place.rows_divided else (1, None)
                yield down, Mapped(hub=(f"{hub}.lora_A.weight",), sizes=(down.shape[0],), axis=axes[0])
                yield up, Mapped(hub=(f"{hub}.lora_B.weight",), sizes=(rows,), axis=axes[1])


def adaptable(architecture: Architecture) -> tuple[str, ...]:
    """Return the last names of the projections that can be adapted; those of experts can't."""
    names = architecture.names
    has_mlp = not names.router or bool(architecture.dense_layers)
    mlp = (names.gate, names.up, names.down) if has_mlp else ()
    return tuple(_last(name) for name in (*QUERY_KEY_VALUE, ATTENTION_OUTPUT, *mlp))


def _places(architecture: Architecture, config: Any, layout: Layout) -> tuple[_Place, ...]:
    degree, names = layout.tensor_parallel, architecture.names
    rows: dict[str, int] = dict(zip(QUERY_KEY_VALUE, (size // degree for size in fused_sizes(config)), strict=True))
    inner, hidden = config.ffn_hidden_size // degree, config.hidden_size
    groups = config.num_query_groups // degree
    return (
        _Place(path="self_attention.linear_qkv", rows_divided=True, parts=rows, groups=groups),
        _Place(path="self_attention.linear_proj", rows_divided=False, parts={ATTENTION_OUTPUT: hidden}),
        _Place(path="mlp.linear_fc1", rows_divided=True, parts={names.gate: inner, names.up: inner}),
        _Place(path="mlp.linear_fc2", rows_divided=False, parts={names.down: hidden}),
    )


def _layers(chunks: list[Any], config: Any, layout: Layout) -> Iterator[tuple[str, Any]]:
    for chunk, first in zip(chunks, first_layers(config, layout), strict=True):
        for index, layer in enumerate(chunk.decoder.layers):
            yield f"model.layers.{first + index}.", layer


def _add_update(linear: Any, arguments: tuple[Any, ...], output: tuple[Any, Any]) -> tuple[Any, Any]:
    return (output[0] + linear.adapter(arguments[0]), output[1]) if linear.adapter.acts else output


def _submodule(layer: Any, path: str) -> Any | None:
    for name in path.split("."):
        layer = getattr(layer, name, None)
    return layer


def _draw(down: Any, name: str, *, columns_divided: bool, layout: Layout) -> None:
    """Draw A as PEFT does (Kaiming uniform with a = sqrt 5, which is a bound of 1 / sqrt of the width)."""
    from megatron.core import parallel_state

    degree = layout.tensor_parallel if columns_divided else 1
    width = down.shape[1] * degree
    source = torch.Generator().manual_seed(int.from_bytes(hashlib.sha256(name.encode()).digest()[:7], "big"))
    bound = 1 / math.sqrt(width)
    whole = torch.empty(down.shape[0], width).uniform_(-bound, bound, generator=source)
    rank = parallel_state.get_tensor_model_parallel_rank() if columns_divided else 0
    down.data.copy_(whole.chunk(degree, dim=1)[rank])


def _last(name: str) -> str:
    return name.rpartition(".")[2]
