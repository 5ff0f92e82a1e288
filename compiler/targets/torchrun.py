"""torchrun: the command line that starts the processes of a training step."""

from tunewright.compiler.ir.resolved import ResolvedParallelism


def launch_argv(parallelism: ResolvedParallelism, module: str) -> tuple[str, ...]:
    """Return the command that runs `module` in a step's processes; each machine runs it with its own `{node_rank}`."""
    run = ("-m", module, "run", "{bundle}")
    if parallelism.processes <= 1 and parallelism.nodes <= 1:
        return ("{python}", "-P", *run)
    launcher = ("{python}", "-P", "-m", "torch.distributed.run")
    local = ("--nproc-per-node", str(parallelism.processes_per_node), "--max-restarts", "0")
    return (*launcher, *_rendezvous(parallelism), *local, *run)


def _rendezvous(parallelism: ResolvedParallelism) -> tuple[str, ...]:
    if parallelism.nodes <= 1:
        return ("--standalone",)
    where = ("--master-addr", "{master_addr}", "--master-port", "{master_port}")
    return ("--nnodes", "{nodes}", "--node-rank", "{node_rank}", *where)
