"""Command lines and environment of training processes."""

from tunewright.compiler.ir.resolved import ResolvedParallelism
from tunewright.compiler.targets.environment import common_environment
from tunewright.compiler.targets.torchrun import launch_argv

MODULE = "tunewright.runners.train_trl"


def test_one_process_is_started_directly() -> None:
    argv = launch_argv(ResolvedParallelism(strategy="single", processes=1), MODULE)
    assert argv == ("{python}", "-P", "-m", MODULE, "run", "{bundle}")


def test_several_processes_of_one_machine() -> None:
    argv = launch_argv(ResolvedParallelism(strategy="ddp", processes=8), MODULE)
    assert " ".join(argv) == (
        "{python} -P -m torch.distributed.run --standalone --nproc-per-node 8 --max-restarts 0 "
        "-m tunewright.runners.train_trl run {bundle}"
    )


def test_several_machines() -> None:
    argv = launch_argv(ResolvedParallelism(strategy="zero3", processes=16, nodes=2), MODULE)
    assert " ".join(argv) == (
        "{python} -P -m torch.distributed.run --nnodes {nodes} --node-rank {node_rank} --master-addr {master_addr} "
        "--master-port {master_port} --nproc-per-node 8 --max-restarts 0 -m tunewright.runners.train_trl run {bundle}"
    )


def test_processes_are_offline_quiet_and_polite() -> None:
    variables = common_environment(device="cpu", threads=2)
    assert variables["HF_HUB_OFFLINE"] == variables["DO_NOT_TRACK"] == variables["HF_HUB_DISABLE_TELEMETRY"] == "1"
    assert (variables["OMP_NUM_THREADS"], variables["OMP_WAIT_POLICY"], variables["GOMP_SPINCOUNT"]) == (
        "2",
        "PASSIVE",
        "0",
    )
    assert variables["CUDA_VISIBLE_DEVICES"] == ""
    assert "CUDA_VISIBLE_DEVICES" not in common_environment(device="cuda", threads=2)


def test_tensor_parallel_queues_communication_first() -> None:
    split = ResolvedParallelism(strategy="megatron", processes=8, tensor_parallel=4)
    whole = ResolvedParallelism(strategy="megatron", processes=8, pipeline_parallel=2)
    assert common_environment(device="cuda", threads=1, parallelism=split)["CUDA_DEVICE_MAX_CONNECTIONS"] == "1"
    assert "CUDA_DEVICE_MAX_CONNECTIONS" not in common_environment(device="cuda", threads=1, parallelism=whole)
