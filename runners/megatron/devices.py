"""Where a process computes, and what makes Megatron Core run on a processor.

Megatron Core 0.16 asks CUDA for its device, its streams and its random state wherever it trains, and writes
`device="cuda"` into many calls. A plan whose device is `cpu` gets processor tensors there instead: module attributes
are replaced in this process only, and one function mode rewrites the device of every call. A plan for an accelerator
never comes here.
"""

import contextlib
import os
from collections.abc import Iterator
from typing import Any


def device_of(kind: str) -> Any:
    """Return the torch device of this process for a plan's device, `cpu` or `cuda`."""
    import torch

    if kind == "cpu":
        return torch.device("cpu")
    device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
    torch.cuda.set_device(device)
    return device


@contextlib.contextmanager
def computing_on(kind: str) -> Iterator[None]:
    """Let Megatron Core compute on the plan's device inside the block."""
    if kind != "cpu":
        yield
        return
    _replace_cuda_functions()
    with _processor_tensors():
        yield


def _replace_cuda_functions() -> None:
    import torch
    from megatron.core.tensor_parallel import random
    from megatron.core.transformer.moe import moe_utils, token_dispatcher

    here, stream = torch.device("cpu"), _Stream()
    for name, replacement in {
        "current_device": lambda: here,
        "set_device": lambda *_: None,
        "synchronize": lambda *_: None,
        "empty_cache": lambda: None,
        "get_rng_state": lambda *_, **__: torch.get_rng_state(),
        "set_rng_state": lambda state, *_, **__: torch.set_rng_state(state),
        "manual_seed": torch.manual_seed,
        "current_stream": lambda *_: stream,
        "default_stream": lambda *_: stream,
        "stream": lambda *_: contextlib.nullcontext(),
    }.items():
        setattr(torch.cuda, name, replacement)
    random._get_cuda_rng_state = lambda *_, **__: torch.get_rng_state()
    random._set_cuda_rng_state = lambda state, *_, **__: torch.set_rng_state(state)
    # Compiling small functions costs a processor minutes and gains nothing in a short test.
    torch._dynamo.config.disable = True
    # 0.16.1 names it without importing it where TransformerEngine is missing.
    moe_utils.te_general_gemm = None
    # gloo wants sizes as numbers; Megatron turns them into numbers only when they come from an accelerator.
    token_dispatcher.maybe_move_tensor_to_cpu = _numbers
    token_dispatcher.MoEAlltoAllTokenDispatcher.cuda_dtoh_stream = stream


class _Stream:
    """Stands for an accelerator's queue of work: on a processor every call is done when it returns."""

    def synchronize(self) -> None:
        """Wait for nothing."""

    def record_event(self) -> "_Stream":
        """Return what can be waited for."""
        return self

    def wait_stream(self, _other: "_Stream") -> None:
        """Wait for nothing."""


def _numbers(tensor: Any, as_numpy: bool = False, record_stream: bool = False) -> Any:  # noqa: ARG001 - its signature
    import torch

    return tensor.numpy() if as_numpy and torch.is_tensor(tensor) else tensor


def _processor_tensors() -> Any:
    import torch
    from torch.overrides import TorchFunctionMode

    move, name_of_type = torch.Tensor.cuda, torch.Tensor.type

    class ProcessorTensors(TorchFunctionMode):  # type: ignore[misc]
        """Rewrites the device of a call, and answers `type()` as Megatron's assertions want to hear it."""

        def __torch_function__(
            self, function: Any, _types: Any, arguments: tuple[Any, ...] = (), named: dict[str, Any] | None = None
        ) -> Any:
            named = named or {}
            if function is move:
                return arguments[0]
            if "device" in named and str(named["device"]).startswith("cuda"):
                named["device"] = "cpu"
            answer = function(*arguments, **named)
            if function is name_of_type and isinstance(answer, str):
                return answer.replace("torch.", "torch.cuda.", 1)
            return answer

    return ProcessorTensors()
