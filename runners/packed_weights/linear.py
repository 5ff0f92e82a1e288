"""A linear layer whose weight stays packed: unpacked for each product, and again on the way back."""

from collections.abc import Callable
from typing import Any

import torch

from tunewright.runners.packed_weights.layouts import LAYOUTS, SCALES
from tunewright.spec.packed_weights import Packing

_FORMATS = {"int32": torch.int32, "int64": torch.int64}


class PackedLinear(torch.nn.Linear):  # type: ignore[misc]
    """A frozen linear layer that holds a packed weight, beside which adapters learn."""

    def __init__(self, plain: torch.nn.Linear, packing: Packing, scale_format: torch.dtype) -> None:
        torch.nn.Module.__init__(self)
        self.in_features, self.out_features, self.packing = plain.in_features, plain.out_features, packing
        self.layout = LAYOUTS[packing.method]
        # Parameters, not buffers: data parallel wrappers send buffers around at every step.
        for name, (shape, kind) in self.layout.tensors(packing, self.in_features, self.out_features).items():
            empty = torch.empty(shape, dtype=_FORMATS.get(kind, scale_format), device=plain.weight.device)
            self.register_parameter(name, torch.nn.Parameter(empty, requires_grad=False))
        self.register_parameter("bias", plain.bias)
        self.compute_format = plain.weight.dtype
        self._is_hf_initialized = True  # nothing of it is ever drawn by chance

    @property
    def weight(self) -> torch.Tensor:
        """What adapters ask shape, format and device of.

        Every element is the same NaN: who melts an adapter into it, or starts one from it, fails and does not go wrong.
        """
        nothing = torch.tensor(torch.nan, dtype=self.compute_format, device=getattr(self, self.layout.marker).device)
        return nothing.expand(self.out_features, self.in_features)

    def unpacked(self) -> torch.Tensor:
        """Return the weight [out, in] in fp32, made anew each time."""
        with torch.no_grad():
            weight: torch.Tensor = self.layout.weight(self, self.packing)
        return weight

    def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002 - as in the base class
        """Return input W' + bias."""
        product: torch.Tensor = _PackedProduct.apply(input, self)
        return product if self.bias is None else product + self.bias

    def _apply(self, fn: Callable[..., Any], recurse: bool = True) -> "PackedLinear":
        """Move, but keep the scales in the format of the files: rounding them anew would change every weight."""
        before = {name: getattr(self, name) for name in SCALES if hasattr(self, name)}
        super()._apply(fn, recurse)
        for name, scale in before.items():
            moved = getattr(self, name)
            if moved.dtype != scale.dtype:
                moved.data = scale.data.to(moved.device)
        return self

    def extra_repr(self) -> str:
        """Return what a printed model shows."""
        return f"in_features={self.in_features}, out_features={self.out_features}, {self.packing}"


class _PackedProduct(torch.autograd.Function):  # type: ignore[misc]
    """y = x W' for x [..., in]: what is kept for the way back is the packed weight."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, layer: PackedLinear) -> torch.Tensor:
        ctx.layer = layer
        return x @ layer.unpacked().to(x.dtype).T

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> Any:
        return gradients[0] @ ctx.layer.unpacked().to(gradients[0].dtype), None
