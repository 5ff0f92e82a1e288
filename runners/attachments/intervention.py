"""Low-rank interventions on hidden states (LoReFT, Wu et al. 2024): h + R'(W h + b - R h), R with orthonormal rows."""

from typing import Any

import torch


class Intervention(torch.nn.Module):  # type: ignore[misc]
    """An edit in the subspace that R's `rank` rows span; at first W is R and b is 0, which changes nothing."""

    def __init__(self, hidden: int, rank: int) -> None:
        super().__init__()
        rows = torch.linalg.qr(torch.randn(hidden, rank, dtype=torch.float32))[0].T.contiguous()
        self.rotation = torch.nn.Parameter(rows)
        self.source = torch.nn.Parameter(rows.clone())
        self.bias = torch.nn.Parameter(torch.zeros(rank))

    def forward(self, states: Any) -> Any:
        """Return hidden states [..., hidden] changed, in their own number format."""
        rows = orthonormal(self.rotation.float()) if self.rotation.requires_grad else self.rotation
        inputs = states.to(rows.dtype)
        change = (torch.nn.functional.linear(inputs, self.source - rows) + self.bias) @ rows
        return states + change.to(states.dtype)

    def settle(self) -> None:
        """Make the rows orthonormal once and for all: what is used without learning needs no factorisation."""
        with torch.no_grad():
            self.rotation.copy_(orthonormal(self.rotation.float()))


def orthonormal(rows: Any) -> Any:
    """Return orthonormal rows that span the same space; orthonormal ones come back as they are, signs included."""
    basis, factor = torch.linalg.qr(rows.T)
    return (basis * torch.sign(torch.diagonal(factor))).T
