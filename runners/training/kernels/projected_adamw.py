"""AdamW whose moments live in a low-rank subspace of each matrix's gradient (GaLore, Q-GaLore).

All state is tensors and numbers, so that checkpoints hold no pickled objects and a resumed step goes on exactly.
"""

from collections.abc import Callable, Iterable
from typing import Any

import torch

#: Elements of a projection that share a scale where it is held in 4 bits.
_BLOCK = 128
_LEVELS = 15
#: A projection that turned by less than this has settled: it is renewed half as often (Q-GaLore's threshold).
_SETTLED = 0.4


class ProjectedAdamW(torch.optim.Optimizer):  # type: ignore[misc]
    """AdamW; in groups with a `rank` a gradient [m, n] is projected to [rank, n] or [m, rank], the short side first."""

    def __init__(
        self,
        groups: Iterable[dict[str, Any]],
        *,
        lr: float,
        betas: tuple[float, float],
        eps: float,
        interval: int,
        scale: float,
        four_bits: bool,
    ) -> None:
        settings = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": 0.0, "rank": 0}
        super().__init__(groups, settings | {"interval": interval, "scale": scale, "four_bits": four_bits})

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def step(self, closure: Callable[[], float] | None = None) -> None:
        """Change all parameters that have a gradient."""
        if closure is not None:
            raise TypeError("a closure is not supported")
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._step_one(parameter, group)

    def _step_one(self, parameter: torch.Tensor, group: dict[str, Any]) -> None:
        state = self.state[parameter]
        state.setdefault("step", torch.zeros(()))
        gradient = parameter.grad.float()
        projection = self._projection(state, gradient, group) if group["rank"] else None
        if projection is not None:
            gradient = _into(gradient, projection)
        first = state.setdefault("exp_avg", torch.zeros_like(gradient))
        second = state.setdefault("exp_avg_sq", torch.zeros_like(gradient))
        state["step"] += 1
        count, (beta1, beta2) = float(state["step"]), group["betas"]
        first.lerp_(gradient, 1 - beta1)
        second.mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
        update = (first / (1 - beta1**count)) / ((second / (1 - beta2**count)).sqrt_() + group["eps"])
        if projection is not None:
            update = _out_of(update, projection, parameter.shape).mul_(group["scale"])
        parameter.mul_(1 - group["lr"] * group["weight_decay"])
        parameter.add_(update.to(parameter.dtype), alpha=-group["lr"])

    def _projection(self, state: dict[str, Any], gradient: torch.Tensor, group: dict[str, Any]) -> torch.Tensor:
        """Return the orthonormal rows [rank, short side], renewed when it is their time."""
        held = _read(state) if "projection" in state else None
        if held is not None and float(state["step"]) < float(state["renewal"]):
            return held
        wide = gradient if gradient.shape[0] <= gradient.shape[1] else gradient.T
        rows = torch.linalg.svd(wide, full_matrices=False)[0][:, : group["rank"]].T.contiguous()
        state.setdefault("interval", torch.tensor(float(group["interval"])))
        if held is not None and group["four_bits"] and float((rows @ held.T).abs().amax(1).mean()) >= _SETTLED:
            state["interval"] *= 2
        state["renewal"] = state["step"] + state["interval"]
        _write(state, rows, four_bits=group["four_bits"])
        return _read(state)


def _into(gradient: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
    return rows @ gradient if gradient.shape[0] <= gradient.shape[1] else gradient @ rows.T


def _out_of(update: torch.Tensor, rows: torch.Tensor, shape: torch.Size) -> torch.Tensor:
    return rows.T @ update if shape[0] <= shape[1] else update @ rows


def _write(state: dict[str, Any], rows: torch.Tensor, *, four_bits: bool) -> None:
    if not four_bits:
        state["projection"] = rows
        return
    flat = torch.nn.functional.pad(rows.flatten(), (0, -rows.numel() % _BLOCK)).view(-1, _BLOCK)
    low = flat.amin(1, keepdim=True)
    step = ((flat.amax(1, keepdim=True) - low) / _LEVELS).clamp_min(1e-12)
    levels = ((flat - low) / step).round_().to(torch.uint8).flatten()
    state["projection"] = levels[::2] * 16 + levels[1::2]
    state["low"], state["size"], state["shape"] = low, step, torch.tensor(rows.shape)


def _read(state: dict[str, Any]) -> torch.Tensor:
    held: torch.Tensor = state["projection"]
    if "shape" not in state:
        return held
    packed = held.to(torch.uint8)  # loading a checkpoint makes floats of all state
    levels = torch.stack([packed // 16, packed % 16], dim=1).view(-1, _BLOCK).float()
    rank, width = (int(size) for size in state["shape"])
    return (levels * state["size"] + state["low"]).flatten()[: rank * width].view(rank, width)
