"""A frozen linear layer and the low-rank adapter beside it as one pass.

PEFT 0.21 casts the layer's whole input to the adapter's fp32, scales the adapter's whole output, adds it in fp32 and
casts back: five sweeps over tensors as large as the activations, and as many backwards. Here the adapter's small
matrices are cast instead, the scale goes into the smaller of them, and the sum is made by the matrix product itself.
The adapter's weights, their gradients and the optimizer's state stay fp32; the products are those of the base layer's
number format, as under autocast.
"""

from typing import Any

import torch
from peft.tuners.lora.layer import Linear


class LowRankProduct(torch.autograd.Function):  # type: ignore[misc]
    """y = x W' + bias + scale * (x A') B' for x [..., in], W [out, in] frozen, A [rank, in], B [out, rank]."""

    @staticmethod
    def forward(ctx: Any, x: Any, weight: Any, bias: Any, a: Any, b: Any, scale: float) -> Any:
        """Return y in x's number format."""
        rows = x.reshape(-1, x.shape[-1])
        a_short, b_short = a.to(x.dtype), (b * scale).to(x.dtype)
        inner = rows @ a_short.T
        result = torch.nn.functional.linear(rows, weight, bias).addmm_(inner, b_short.T)
        ctx.save_for_backward(rows, weight, a_short, b_short, inner)
        ctx.scale, ctx.shape, ctx.dtypes = scale, x.shape, (a.dtype, b.dtype)
        return result.view(*x.shape[:-1], -1)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        """Return the gradients of x, A and B; the base layer has none."""
        rows, weight, a_short, b_short, inner = ctx.saved_tensors
        gradient = gradients[0].reshape(-1, gradients[0].shape[-1])
        of_inner = gradient @ b_short
        of_a = (of_inner.T @ rows).to(ctx.dtypes[0])
        of_b = (gradient.T @ inner).to(ctx.dtypes[1]).mul_(ctx.scale)
        of_x = (gradient @ weight).addmm_(of_inner, a_short).view(ctx.shape) if ctx.needs_input_grad[0] else None
        return of_x, None, None, of_a, of_b, None


class FusedLowRankLinear(Linear):  # type: ignore[misc]
    """PEFT's adapted linear layer; where exactly one plain adapter is at work, in one pass."""

    def forward(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """Return the layer's output; whatever is not the plain case goes PEFT's own way."""
        name = self._plain_adapter()
        if name is None or args or kwargs:
            return super().forward(x, *args, **kwargs)
        base, scale = self.base_layer, float(self.scaling[name])
        return LowRankProduct.apply(
            x, base.weight, base.bias, self.lora_A[name].weight, self.lora_B[name].weight, scale
        )

    def _plain_adapter(self) -> str | None:
        if self.disable_adapters or self.merged:
            return None
        active = [name for name in self.active_adapters if name in self.lora_A]
        if len(active) != 1 or active[0] in self.lora_variant or self.lora_bias.get(active[0]):
            return None
        drops = self.training and not isinstance(self.lora_dropout[active[0]], torch.nn.Identity)
        return None if drops else active[0]


def fuse_low_rank(model: Any) -> int:
    """Let the model's adapted linear layers work in one pass; return how many do."""
    fused = 0
    for module in model.modules():
        if type(module) is Linear and type(module.base_layer) is torch.nn.Linear and not module.fan_in_fan_out:
            module.__class__ = FusedLowRankLinear
            fused += 1
    return fused
