"""Arithmetic a token costs, and how much of it a device does in a second: priors with the range seen in runs."""

from typing import NamedTuple

from tunewright.compiler.estimate.parameters import count_active_parameters
from tunewright.compiler.facts.accelerators import AcceleratorModel, accelerator_model
from tunewright.compiler.ir.facts import HardwareFacts, ModelFacts

_TERA = 10**12
#: Arithmetic of one server core with matrix units, seen in training a small model; further threads add less.
_CPU_FLOPS = {"bf16": 150 * 10**9, "fp16": 98 * 10**9, "fp32": 98 * 10**9}
_THREAD_EXPONENT = 0.7
#: Share of a device's peak that training reaches, recomputation counted as work: medians of published runs.
_SHARE = 0.33
_SHARES = {"t4-16gb": 0.25, "rtx3090-24gb": 0.45, "rtx4090-24gb": 0.6, "a100-40gb": 0.4, "mps": 0.4}
#: The spread between runs on the same device; wider on processors, of which the facts say little.
_SPREAD = (0.5, 1.6)
_CPU_SPREAD = (0.3, 1.6)


class Rate(NamedTuple):
    """Floating-point operations a second of one process: expected, and the ends of the range."""

    expected: float
    low: float
    high: float


def training_rate(hardware: HardwareFacts, *, device: str, precision: str, threads: int) -> Rate:
    """Return the arithmetic that one process trains with."""
    if device == "cpu" or hardware.accelerator is None:
        expected = _CPU_FLOPS[precision] * max(1, threads) ** _THREAD_EXPONENT
        return Rate(expected, expected * _CPU_SPREAD[0], expected * _CPU_SPREAD[1])
    known = accelerator_model(hardware.accelerator.name)
    peak = known.peak_flops if known else 100 * _TERA
    if precision == "fp32":
        peak //= 8  # no matrix units in full precision
    expected = peak * _SHARES.get(hardware.accelerator.name, _SHARE)
    return Rate(expected, expected * _SPREAD[0], expected * _SPREAD[1])


def forward_flops(model: ModelFacts, length: float) -> float:
    """Return operations of the forward pass for one token of a sequence of `length` tokens: weights, then attention."""
    heads = model.num_attention_heads or 0
    width = heads * (model.head_dim or (model.hidden_size or 0) // max(1, heads))
    embedding = 0 if model.tie_word_embeddings else (model.vocab_size or 0) * (model.hidden_size or 0)
    weights = 2.0 * (count_active_parameters(model) - embedding)
    return weights + 2.0 * (model.num_hidden_layers or 0) * width * length


def training_flops(model: ModelFacts, length: float, *, adapter: bool, replayed: bool) -> float:
    """Return operations of forward and backward for one token; a frozen base needs no gradients of its own weights."""
    forward = forward_flops(model, length)
    return forward * ((2.0 if adapter else 3.0) + (1.0 if replayed else 0.0))


def memory_bandwidth(hardware: HardwareFacts, device: str) -> float:
    """Return bytes a second that a device reads from its memory."""
    known = _known(hardware, device)
    return float(known.memory_bandwidth) if known else 20e9


def _known(hardware: HardwareFacts, device: str) -> AcceleratorModel | None:
    if device == "cpu" or hardware.accelerator is None:
        return None
    return accelerator_model(hardware.accelerator.name)
