"""Root-mean-square norms with a frozen weight (Zhang and Sennrich 2019) as one pass.

transformers computes them in eight operations, each of which autograd remembers and undoes on its own. With the weight
frozen the whole gradient is one expression of the normalised input.
"""

from typing import Any

import torch

#: How far a replaced norm may be from the one it replaces: a rounding step of bf16.
_TOLERANCE = 2.0**-7


class FrozenNorm(torch.autograd.Function):  # type: ignore[misc]
    """y = weight * x / sqrt(mean(x^2) + epsilon) over the last axis, computed in fp32, in x's number format."""

    @staticmethod
    def forward(ctx: Any, x: Any, weight: Any, epsilon: float) -> Any:
        """Return y, shaped as x."""
        wide = x.float()
        scale = torch.linalg.vector_norm(wide, dim=-1, keepdim=True).square_().div_(x.shape[-1]).add_(epsilon).rsqrt_()
        normal = (wide * scale).to(x.dtype)
        ctx.save_for_backward(normal, weight, scale)
        return normal * weight

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        """Return the gradient of x: (g w - n mean(g w n)) scale, n being the normalised input."""
        normal, weight, scale = ctx.saved_tensors
        weighted = gradients[0] * weight
        mean = (weighted * normal).sum(-1, keepdim=True, dtype=torch.float32).div_(normal.shape[-1])
        gradient = torch.addcmul(weighted.float(), normal.float(), mean, value=-1).mul_(scale)
        return gradient.to(gradients[0].dtype), None, None


def fuse_norms(model: Any) -> int:
    """Let the model's norms work in one pass where that is what they compute; return how many do.

    Families write their norms differently (one adds 1 to the weight): a class is replaced only after it has given the
    same result on a probe.
    """
    fused, classes = 0, dict[type[Any], type[Any] | None]()
    for module in model.modules():
        kind = type(module)
        if not kind.__name__.endswith("RMSNorm") or not hasattr(module, "variance_epsilon"):
            continue
        if module.weight.requires_grad:
            continue
        if kind not in classes:
            classes[kind] = _fused_class(kind) if _computes_the_same(module) else None
        if (replacement := classes[kind]) is not None:
            module.__class__ = replacement
            fused += 1
    return fused


def _fused_class(kind: type[Any]) -> type[Any]:
    def forward(self: Any, hidden_states: Any) -> Any:
        return FrozenNorm.apply(hidden_states, self.weight, self.variance_epsilon)

    return type(f"Fused{kind.__name__}", (kind,), {"forward": forward})


def _computes_the_same(module: Any) -> bool:
    with torch.no_grad():
        probe = torch.linspace(-3, 3, 4 * module.weight.shape[0], dtype=torch.float32).view(4, -1)
        probe = probe.to(module.weight.dtype)
        expected, found = module(probe), FrozenNorm.apply(probe, module.weight, module.variance_epsilon)
    return bool(torch.allclose(expected.float(), found.float(), rtol=_TOLERANCE, atol=_TOLERANCE))
