"""Bottleneck adapters (Houlsby et al. 2019): h + U act(D h) on what a block passes on."""

from typing import Any

import torch


class Bottleneck(torch.nn.Module):  # type: ignore[misc]
    """Down to `rank` features, a bend, up again; at first it changes nothing."""

    def __init__(self, hidden: int, rank: int) -> None:
        super().__init__()
        self.down = torch.nn.Linear(hidden, rank, dtype=torch.float32)
        self.up = torch.nn.Linear(rank, hidden, dtype=torch.float32)
        torch.nn.init.zeros_(self.up.weight)
        torch.nn.init.zeros_(self.up.bias)

    def forward(self, states: Any) -> Any:
        """Return hidden states [..., hidden] changed, in their own number format."""
        change = self.up(torch.nn.functional.gelu(self.down(states.to(self.down.weight.dtype))))
        return states + change.to(states.dtype)
