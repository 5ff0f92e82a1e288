"""Several processes: join them, and refuse to go on when a library has quietly divided the work otherwise."""

import os
from typing import Any

from tunewright.runners.build_extensions import use_extensions_folder
from tunewright.runners.contract import ExitCode
from tunewright.runners.sdk import StepFailedError
from tunewright.runners.training.settings import Parallelism, TrainSettings


def world_size() -> int:
    """Return how many processes the launcher has started together."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_first() -> bool:
    """Say whether this process is the one that reports and writes."""
    return os.environ.get("RANK", "0") == "0"


def join_processes(settings: TrainSettings) -> None:
    """Prepare the device and the process group before any training library looks for them; raise StepFailedError."""
    import torch

    check_processes(settings)
    parallelism = settings.parallelism
    if parallelism.uses_deepspeed:
        _join_deepspeed(settings.device)
    elif parallelism.strategy == "fsdp2" and settings.device == "cpu":
        torch.distributed.init_process_group("gloo")


def check_processes(settings: TrainSettings) -> None:
    """Compare what the launcher has started, and the device, with the plan; set the threads of a processor."""
    import torch

    parallelism = settings.parallelism
    if world_size() != parallelism.processes:
        raise StepFailedError(
            f"the plan wants {parallelism.processes} processes and {world_size()} were started",
            reason="WRONG_PROCESS_COUNT",
            help="start the step with the plan's own command",
            code=ExitCode.IMPOSSIBLE,
        )
    if settings.device == "cuda":
        _check_accelerator(settings.precision)
    if settings.device == "cpu":
        torch.set_num_threads(settings.threads)


def _check_accelerator(precision: str) -> None:
    import torch

    if not torch.cuda.is_available():
        raise StepFailedError(
            "the plan needs an accelerator and torch sees none",
            reason="NO_ACCELERATOR",
            help="run it where one is, or set `resources: {accelerator: cpu}`",
            code=ExitCode.UNAVAILABLE,
        )
    # What torch emulates is slower than fp32 and rounds as bf16 does.
    if precision == "bf16" and not torch.cuda.is_bf16_supported(including_emulation=False):
        raise StepFailedError(
            f"{torch.cuda.get_device_name()} has no bf16, which the plan computes in",
            reason="PRECISION_UNSUPPORTED",
            help="set `precision: fp16` for adapters or `precision: fp32`, or name the accelerator in `resources`",
            code=ExitCode.IMPOSSIBLE,
        )


def _join_deepspeed(device: str) -> None:
    # ZeRO-3 divides the weights while the model loads: DeepSpeed must know the world before transformers' arguments
    # exist.
    if device == "cpu":
        os.environ["DS_ACCELERATOR"] = "cpu"
        use_extensions_folder()
    import deepspeed

    deepspeed.init_distributed(dist_backend="gloo" if device == "cpu" else "nccl", verbose=False)


def check_wrapper(wrapped: Any, parallelism: Parallelism, device: str) -> None:
    """Compare what the model really became with what the plan says; raise StepFailedError SILENT_FALLBACK."""
    found, wanted = describe_wrapper(wrapped), parallelism.strategy
    if wanted == "zero3" and parallelism.context_parallel > 1:
        wanted = _in_parts(wanted, parallelism.context_parallel)
    if found != wanted:
        raise StepFailedError(
            f"the plan divides the work by {wanted}, but the libraries set up {found} on {device}",
            reason="SILENT_FALLBACK",
            help="nothing was trained; choose another `parallelism` for this machine",
            code=ExitCode.IMPOSSIBLE,
        )


def describe_wrapper(wrapped: Any) -> str:
    """Return the strategy that a wrapped model really follows: single, unsynchronised, ddp, zero1..3 or fsdp2.

    Of DeepSpeed's also whether processes share sequences.
    """
    from torch.distributed.fsdp import FSDPModule
    from torch.nn.parallel import DistributedDataParallel

    stage = getattr(wrapped, "zero_optimization_stage", None)
    if callable(stage):
        parts = int(getattr(wrapped, "sequence_parallel_size", 1))
        return f"zero{stage()}" if parts == 1 else _in_parts(f"zero{stage()}", parts)
    if isinstance(wrapped, DistributedDataParallel):
        return "ddp"
    if any(isinstance(module, FSDPModule) for module in wrapped.modules()):
        return "fsdp2"
    return "single" if world_size() == 1 else "unsynchronised processes"


def _in_parts(strategy: str, parts: int) -> str:
    return f"{strategy} with sequences in {parts} parts"


def gather(values: list[float]) -> list[list[float]]:
    """Return every process's values, in the order of ranks: what is computed from them is the same everywhere."""
    import torch

    if world_size() == 1:
        return [values]
    on_cuda = torch.distributed.get_backend() == "nccl"
    own = torch.tensor(values, dtype=torch.float64, device="cuda" if on_cuda else "cpu")
    everyone = [torch.empty_like(own) for _ in range(world_size())]
    torch.distributed.all_gather(everyone, own)
    return [item.tolist() for item in everyone]


def leave_processes() -> None:
    """End the process group, so that no process waits for one that is gone."""
    import torch

    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()
