"""FSDP2: how the model is cut into shards. On accelerators through accelerate; on CPUs the runner shards it itself."""

from typing import Any

from tunewright.compiler.ir.resolved import ResolvedTrain

#: accelerate gives CPU processes plain data parallel whatever is asked for: there the runner shards with torch itself.
OWN_SHARDING_DEVICES = frozenset({"cpu"})


def fsdp_settings(train: ResolvedTrain) -> dict[str, Any] | None:
    """Return transformers' `fsdp_config` of a step with strategy fsdp2; None where the runner shards by itself."""
    if train.device in OWN_SHARDING_DEVICES:
        return None
    layout = train.parallelism
    return {
        "version": 2,
        "reshard_after_forward": True,
        "cpu_offload": "cpu" in (layout.offload_optimizer, layout.offload_parameters),
    }
