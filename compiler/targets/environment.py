"""Environment variables of every process that a plan starts: quiet, offline, reproducible, polite to others."""

from tunewright.compiler.ir.resolved import ResolvedParallelism


def common_environment(
    *, device: str, threads: int, parallelism: ResolvedParallelism | None = None, online: bool = False
) -> dict[str, str]:
    """Return the environment variables of a step on `device` with so many CPU threads a process.

    Only a step that fetches is `online`: everything else finds what it needs on this machine.
    """
    variables = {
        "DO_NOT_TRACK": "1",
        # Threads that spin while they wait make two of them slower than one on a busy machine.
        "GOMP_SPINCOUNT": "0",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "OMP_NUM_THREADS": str(max(1, threads)),
        "OMP_WAIT_POLICY": "PASSIVE",
        "PYTHONHASHSEED": "0",
        "PYTHONUNBUFFERED": "1",
        "TOKENIZERS_PARALLELISM": "false",
    }
    if parallelism is not None and parallelism.strategy == "megatron" and parallelism.tensor_parallel > 1:
        # Communication must be queued before the arithmetic it is to overlap with.
        variables["CUDA_DEVICE_MAX_CONNECTIONS"] = "1"
    if not online:  # a step that fetches heeds what the user set
        variables["HF_HUB_OFFLINE"] = "1"
    return variables | _of_device(device)


def bitwise_environment(device: str) -> dict[str, str]:
    """Return the variables that make the libraries add up in one order; the runner refuses to start without them."""
    everywhere = {
        "MKL_CBWR": "AUTO",  # equal sums wherever in memory the numbers lie
        "OMP_DYNAMIC": "FALSE",  # as many threads as the plan says, however busy the machine is
    }
    if device != "cuda":
        return everywhere
    return everywhere | {
        "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
        "FLASH_ATTENTION_DETERMINISTIC": "1",
        "NCCL_ALGO": "Ring",
    }


def _of_device(device: str) -> dict[str, str]:
    match device:
        case "cpu":
            return {"CUDA_VISIBLE_DEVICES": ""}  # even where there is one
        case "cuda":
            return {
                # Rows of changing length leave less of the memory unusable.
                "PYTORCH_CUDA_ALLOC_CONF": "expandable_segments:True",
                # A process whose peer died ends instead of waiting for ever.
                "TORCH_NCCL_ASYNC_ERROR_HANDLING": "1",
            }
        case "npu":
            return {"HCCL_CONNECT_TIMEOUT": "1200", "PYTORCH_NPU_ALLOC_CONF": "expandable_segments:True"}
        case _:
            return {}
