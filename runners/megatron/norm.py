"""RMSNorm that works with sequence parallelism and without TransformerEngine or Apex."""

from typing import Any

import torch


class RMSNorm(torch.nn.Module):  # type: ignore[misc]
    """Root-mean-square norm, computed in fp32 as transformers does (Zhang and Sennrich 2019, eq. 4).

    Under sequence parallelism each process norms its own part of the sequence, so the gradients of `weight` are parts
    of a sum: the mark tells Megatron's `finalize_model_grads` to add them over the tensor-parallel group.
    """

    def __init__(self, config: Any, hidden_size: int, eps: float = 1e-5, **_: Any) -> None:
        super().__init__()
        self.eps = eps
        self.weight = torch.nn.Parameter(torch.ones(hidden_size, dtype=config.params_dtype))
        self.weight.sequence_parallel = config.sequence_parallel

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """Return the normed input, of the same shape and precision."""
        long = hidden.float()
        scaled = long * torch.rsqrt(long.pow(2).mean(-1, keepdim=True) + self.eps)
        return self.weight * scaled.to(hidden.dtype)
