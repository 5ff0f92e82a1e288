"""Memory and speed of a model that only answers: weights, keys and values, the working set of a prompt."""

from tunewright.compiler.estimate.storage import ELEMENT_BYTES, NF4_BYTES, quantized_bytes, weight_bytes
from tunewright.compiler.estimate.throughput import forward_flops, memory_bandwidth, training_rate
from tunewright.compiler.ir.facts import HardwareFacts, ModelFacts
from tunewright.compiler.ir.resolved import ResolvedQuantize

#: Share of the memory's bandwidth that reading the weights for each token reaches.
_BANDWIDTH_SHARE = 0.6
#: Python around one decoded token of an engine that is not compiled.
_TOKEN_SECONDS = 0.01
_TOKEN_SECONDS_CPU = 0.03


def linear_bytes(quantize: ResolvedQuantize | None) -> float | None:
    """Return bytes a weight inside blocks takes after an export, or None when it is not quantised."""
    if quantize is None:
        return None
    if quantize.method == "bnb":
        return NF4_BYTES if quantize.bits == 4 else 1.0
    if quantize.method == "fp8":
        return 1.0
    return quantized_bytes(quantize.bits, quantize.group_size)


def key_value_bytes(model: ModelFacts, *, tensor_parallel: int = 1, element_bytes: int = 2) -> float:
    """Return bytes that the keys and values of one token take on one device."""
    layers = model.num_hidden_layers or 0
    if latent := model.latent_attention:
        # The compressed form is whole on every device.
        return float(layers * (latent.key_value_rank + latent.rope_head_dim) * element_bytes)
    heads = model.num_attention_heads or 1
    head = model.head_dim or (model.hidden_size or 0) // heads
    held = max(1, (model.num_key_value_heads or heads) // tensor_parallel)
    return float(2 * layers * held * head * element_bytes)


def prompt_bytes(model: ModelFacts, tokens: int, batch: int) -> float:
    """Return the working set of reading `tokens` of prompts: the widest layer, the last tokens' logits."""
    wide = max(model.intermediate_size or 0, model.num_experts_per_token * model.moe_intermediate_size)
    return tokens * (6.0 * wide + 8.0 * (model.hidden_size or 0)) + 6.0 * batch * (model.vocab_size or 0)


def inference_bytes(
    model: ModelFacts,
    *,
    precision: str,
    linear_bytes: float | None = None,
    length: int,
    batch: int,
    tensor_parallel: int = 1,
) -> dict[str, int]:
    """Return memory by name of `batch` sequences of `length` tokens on one of `tensor_parallel` devices."""
    element = ELEMENT_BYTES[precision]
    cached = batch * length * key_value_bytes(model, tensor_parallel=tensor_parallel, element_bytes=element)
    return {
        "weights": int(weight_bytes(model, precision=precision, linear_bytes=linear_bytes) / tensor_parallel),
        "keys and values": int(cached),
        "working set": int(prompt_bytes(model, batch * length, batch) * element / 2),
    }


def reply_seconds(
    model: ModelFacts,
    hardware: HardwareFacts,
    *,
    device: str,
    precision: str,
    threads: int,
    batch: int,
    prompt: int,
    reply: int,
) -> tuple[float, float, float]:
    """Return the seconds (expected, low, high) of `batch` replies of `reply` tokens to prompts of `prompt` tokens."""
    rate = training_rate(hardware, device=device, precision=precision, threads=threads)
    read = weight_bytes(model, precision=precision) / (memory_bandwidth(hardware, device) * _BANDWIDTH_SHARE)
    token = _TOKEN_SECONDS_CPU if device == "cpu" else _TOKEN_SECONDS

    def total(flops_per_second: float) -> float:
        each = forward_flops(model, prompt + reply / 2) * batch / flops_per_second
        return prompt * each + reply * (max(each, read) + token)

    return total(rate.expected), total(rate.high), total(rate.low)
