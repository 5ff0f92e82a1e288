"""How the work is divided: the degrees of a plan become Megatron's process groups."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The degrees of one plan; `processes` is all of them together, over all machines."""

    processes: int
    tensor_parallel: int = 1
    pipeline_parallel: int = 1
    virtual_pipeline_parallel: int = 1
    context_parallel: int = 1
    expert_parallel: int = 1
    sequence_parallel: bool = False

    @property
    def data_parallel(self) -> int:
        """Copies of the model that read different rows."""
        return self.processes // (self.tensor_parallel * self.pipeline_parallel * self.context_parallel)

    @property
    def sequence_multiple(self) -> int:
        """What the length of every batch must be a multiple of, so that all parts of a sequence are equal."""
        return (self.tensor_parallel if self.sequence_parallel else 1) * (
            2 * self.context_parallel if self.context_parallel > 1 else 1
        )

    @property
    def expert_tensor_parallel(self) -> int:
        """Processes that share one expert.

        Experts that are spread are small and stand whole on one process; those that are not are cut like every layer,
        because Megatron synchronises their gradients only in one of these two cases.
        """
        return 1 if self.expert_parallel > 1 else self.tensor_parallel

    @staticmethod
    def from_parameters(parallelism: Mapping[str, Any]) -> "Layout":
        """Read the degrees from a step's `parallelism`; what is not a degree is left out."""
        return Layout(**{item.name: parallelism[item.name] for item in fields(Layout) if item.name in parallelism})


def join_groups(layout: Layout, backend: str, seed: int) -> None:
    """Meet the other processes and form Megatron's groups; the same seed everywhere, divided as Megatron does."""
    import os

    import torch
    from megatron.core import parallel_state, tensor_parallel

    if "RANK" not in os.environ:  # one process, started without a launcher
        store = torch.distributed.HashStore()
        torch.distributed.init_process_group(backend, store=store, rank=0, world_size=1)
    else:
        torch.distributed.init_process_group(backend)
    parallel_state.initialize_model_parallel(
        tensor_model_parallel_size=layout.tensor_parallel,
        pipeline_model_parallel_size=layout.pipeline_parallel,
        virtual_pipeline_model_parallel_size=_virtual(layout),
        context_parallel_size=layout.context_parallel,
        expert_model_parallel_size=layout.expert_parallel,
        expert_tensor_parallel_size=layout.expert_tensor_parallel,
    )
    tensor_parallel.model_parallel_cuda_manual_seed(seed)


def leave_groups() -> None:
    """End the groups, so that no process waits for one that is gone."""
    import torch
    from megatron.core import parallel_state

    if torch.distributed.is_initialized():
        parallel_state.destroy_model_parallel()
        torch.distributed.destroy_process_group()


def _virtual(layout: Layout) -> int | None:
    return layout.virtual_pipeline_parallel if layout.virtual_pipeline_parallel > 1 else None
