"""FSDP2 and groups of processes, in the words of transformers and accelerate; on CPUs the runner shards by itself."""

from typing import Any

from tunewright.compiler.ir.resolved import ResolvedTrain

#: accelerate gives CPU processes plain data parallel whatever is asked for: there the runner shards with torch itself.
OWN_SHARDING_DEVICES = frozenset({"cpu"})


def accelerate_settings(train: ResolvedTrain) -> dict[str, Any]:
    """Return transformers' `fsdp_config` and accelerate's `parallelism_config` of a step, those of both that it has."""
    layout = train.parallelism
    match layout.strategy:
        case "fsdp2" if train.device not in OWN_SHARDING_DEVICES:
            settings = {"version": 2, "reshard_after_forward": True, "cpu_offload": bool(layout.offloads)}
            if layout.data_parallel_replicate == layout.context_parallel == 1:
                return {"fsdp_config": settings}
            sizes = {
                "dp_replicate_size": layout.data_parallel_replicate,
                "dp_shard_size": layout.shards // layout.context_parallel,
                "cp_size": layout.context_parallel,
            }
            return {"fsdp_config": settings, "parallelism_config": sizes}
        case "zero3" if layout.context_parallel > 1:
            handler = {"sp_seq_length_is_variable": True, "sp_attn_implementation": train.attention}
            return {
                "parallelism_config": {
                    "sp_size": layout.context_parallel, "sp_backend": "deepspeed", "sp_handler": handler,
                }
            }  # fmt: skip
        case _:
            return {}
