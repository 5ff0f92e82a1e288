"""DeepSpeed: its settings file, nothing in it left to `auto`, and the operators that must be compiled beforehand."""

from typing import Any

from tunewright.compiler.estimate.states import (
    MAX_LIVE_PARAMETERS,
    NVME_ELEMENTS,
    NVME_OPTIMIZER_BUFFERS,
    NVME_PARAMETER_BUFFERS,
    REDUCE_BUCKET_ELEMENTS,
    nvme_buffer_elements,
)
from tunewright.compiler.ir.plan import Process
from tunewright.compiler.ir.resolved import ResolvedTrain

STAGES = {"zero1": 1, "zero2": 2, "zero3": 3}

_PREFETCH_ELEMENTS = 50_000_000
#: Parameters smaller than this stay on every process: gathering a norm costs more than keeping it.
_PERSISTENT_ELEMENTS = 100_000
_SUB_GROUP_ELEMENTS = 1_000_000_000
_KEPT_WEIGHTS = ("stage3_max_live_parameters", "stage3_max_reuse_distance", "stage3_prefetch_bucket_size")
#: Blocks of a megabyte, a queue of eight for each process: what DeepSpeed's own measurements of local disks end at.
_DISK_ACCESS = {
    "block_size": 2**20, "queue_depth": 8, "intra_op_parallelism": 1, "single_submit": False, "overlap_events": True,
}  # fmt: skip


def deepspeed_settings(train: ResolvedTrain, *, largest: int = 0) -> dict[str, Any]:
    """Return the settings of a step with strategy zero1, zero2 or zero3.

    `largest`: elements of the model's largest parameter, which buffers before a disk must hold.
    """
    layout = train.parallelism
    settings: dict[str, Any] = {
        "train_batch_size": train.global_batch_size,
        "train_micro_batch_size_per_gpu": train.per_device_train_batch_size,
        "gradient_accumulation_steps": train.gradient_accumulation_steps,
        "gradient_clipping": train.max_grad_norm,
        "bf16": {"enabled": train.precision == "bf16"},
        "fp16": {"enabled": train.precision == "fp16"},
        "zero_optimization": _zero(train, largest),
        "steps_per_print": train.logging_steps,
        "wall_clock_breakdown": False,
    }
    if train.precision == "fp16":
        # 0 means that the scale follows the gradients.
        settings["fp16"] |= {"loss_scale": 0, "initial_scale_power": 16, "loss_scale_window": 1000, "min_loss_scale": 1}
    if layout.context_parallel > 1:
        # transformers would hold the product to the number of processes, which here share their rows.
        del settings["train_batch_size"]
        settings["sequence_parallel_size"] = layout.context_parallel
    if "nvme" in layout.offloads:
        settings["aio"] = _DISK_ACCESS
    if layout.offload_optimizer != "none":
        # Only DeepSpeed's own Adam steps on the host.
        settings["optimizer"] = {
            "type": "AdamW",
            "params": {
                "lr": train.learning_rate,
                "weight_decay": train.weight_decay,
                "betas": [train.adam_beta1, train.adam_beta2],
                "eps": train.adam_epsilon,
            },
        }
        settings["zero_force_ds_cpu_optimizer"] = True
    return settings


def deepspeed_prepare(train: ResolvedTrain) -> tuple[Process, ...]:
    """Return what must run before the first process: the compilation of the operators this step needs."""
    operators = ["shm_comm"] if train.device == "cpu" else []
    if train.parallelism.offload_optimizer != "none":
        operators.append("cpu_adam")
    if "nvme" in train.parallelism.offloads:
        operators.append("async_io")
    if not operators:
        return ()
    return (Process(argv=("{python}", "-P", "-m", "tunewright.runners.build_extensions", *operators)),)


def _zero(train: ResolvedTrain, largest: int) -> dict[str, Any]:
    layout = train.parallelism
    stage = STAGES[layout.strategy]
    beside_cpu = train.device != "cpu"  # there is no second stream, and no memory to pin, on a CPU
    zero: dict[str, Any] = {
        "stage": stage,
        "overlap_comm": beside_cpu,
        "contiguous_gradients": True,
        "reduce_scatter": True,
        "reduce_bucket_size": REDUCE_BUCKET_ELEMENTS,
        "allgather_partitions": True,
        "allgather_bucket_size": REDUCE_BUCKET_ELEMENTS,
        "round_robin_gradients": False,
    }
    if layout.offload_optimizer == "cpu":
        zero["offload_optimizer"] = {"device": "cpu", "pin_memory": beside_cpu}
    elif layout.offload_optimizer == "nvme":
        zero["offload_optimizer"] = _on_disk(train, buffer_count=NVME_OPTIMIZER_BUFFERS)
    if stage == 3:
        zero |= {
            "sub_group_size": NVME_ELEMENTS if layout.offload_optimizer == "nvme" else _SUB_GROUP_ELEMENTS,
            "stage3_max_live_parameters": MAX_LIVE_PARAMETERS,
            "stage3_max_reuse_distance": MAX_LIVE_PARAMETERS,
            "stage3_prefetch_bucket_size": _PREFETCH_ELEMENTS,
            "stage3_param_persistence_threshold": _PERSISTENT_ELEMENTS,
            # A checkpoint that any tool can read, at the cost of gathering it on one process.
            "stage3_gather_16bit_weights_on_model_save": True,
        }
        if layout.offload_parameters == "cpu":
            zero["offload_param"] = {"device": "cpu", "pin_memory": beside_cpu}
        elif layout.offload_parameters == "nvme":
            elements = nvme_buffer_elements(largest, layout.shards)
            buffers = {"buffer_count": NVME_PARAMETER_BUFFERS, "buffer_size": elements, "max_in_cpu": 0}
            zero["offload_param"] = _on_disk(train, **buffers)
            # A weight that stays here for its next use, or is fetched ahead, keeps its buffer, and there are few:
            # DeepSpeed 0.19 ends with "Not enough buffers" on the first forward pass.
            zero |= dict.fromkeys(_KEPT_WEIGHTS, 0)
    return zero


def _on_disk(train: ResolvedTrain, **buffers: int) -> dict[str, Any]:
    path = train.parallelism.nvme_path
    return {"device": "nvme", "nvme_path": path, "pin_memory": train.device != "cpu", **buffers}
