"""THE table of kernels: by what a step's layers may be computed, and what each needs. The fields are conditions."""

from collections.abc import Mapping
from dataclasses import field

from tunewright.spec.record import record


@record(kw_only=True)
class Kernels:
    """One set of kernels; what is empty asks for nothing.

    `package`: what the `train` environment must hold. `families`: values of `model_type` that it knows. `lacks`: what
    is not built here to execute it. Which tuners it computes stands with the tuner (spec/tuners.py).
    """

    devices: frozenset[str] = field(default_factory=frozenset)
    strategies: frozenset[str] = field(default_factory=frozenset)
    methods: frozenset[str] = field(default_factory=frozenset)
    families: frozenset[str] = field(default_factory=frozenset)
    package: str | None = None
    lacks: str | None = None


#: Strategies under which every process holds whole layers whenever it computes.
_WHOLE_LAYERS = frozenset({"single", "ddp", "zero1", "zero2"})

KERNELS: Mapping[str, Kernels] = {
    "plain": Kernels(),
    "fused": Kernels(devices=frozenset({"cpu"}), strategies=_WHOLE_LAYERS),
    "liger": Kernels(
        devices=frozenset({"cuda"}),
        # Preference trainers put its losses in place of their own: other figures than those that are compared.
        methods=frozenset({"sft"}),
        families=frozenset(
            {"llama", "mistral", "mixtral", "qwen2", "qwen3", "qwen3_moe", "gemma", "gemma2", "phi3", "glm4"}
        ),
        package="liger-kernel",
    ),
    "unsloth": Kernels(
        devices=frozenset({"cuda"}),
        strategies=frozenset({"single"}),
        families=frozenset({"llama", "mistral", "qwen2", "qwen3", "gemma", "gemma2"}),
        package="unsloth",
        lacks="training with Unsloth's own model classes is not built yet",
    ),
}

#: Packages that an environment may hold beside its pins, which decide what can be chosen.
OPTIONAL_PACKAGES = tuple(sorted(item.package for item in KERNELS.values() if item.package))
