"""Start trainings as forks of one process that has the libraries loaded: a run costs a second instead of ten.

    python nursery.py      requests on stdin, one JSON object a line; an answer for each on stdout

{"bundle": PATH, "processes": N, "largest_file": BYTES} -> {"pids": [...]}   the trainers, as torchrun would start them
{"wait": [PID, ...]}              -> {"codes": [...]}  when one fails the others are killed, as torchrun does
"""

import json
import os
import resource
import signal
import socket
import sys
from pathlib import Path
from typing import Any


def main() -> None:
    """Load what every training loads, then answer until stdin ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print must not stand between answers
    os.environ.update(TRL_EXPERIMENTAL_SILENCE="1", DS_ACCELERATOR="cpu")
    import datasets  # noqa: F401 - loaded here once for all forks
    import deepspeed  # noqa: F401
    import peft  # noqa: F401
    import trl.trainer.dpo_trainer
    import trl.trainer.sft_trainer  # noqa: F401
    from torch.distributed import fsdp  # noqa: F401
    from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaForCausalLM  # noqa: F401

    for line in sys.stdin:
        request = json.loads(line)
        answer = {"pids": start(**request)} if "bundle" in request else {"codes": wait(request["wait"])}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def start(bundle: str, processes: int, largest_file: int) -> list[int]:
    """Fork the processes of one training; a limit on the size of a file (-1: none) stands for a full disk."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    pids = []
    for rank in range(processes):
        pid = os.fork()
        if pid == 0:
            resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))
            train(Path(bundle), rank, processes, port)
        pids.append(pid)
    return pids


def train(bundle: Path, rank: int, processes: int, port: int) -> None:
    """Become a trainer; never returns."""
    os.setpgid(0, 0)
    os.chdir(bundle / "work")
    log = os.open(bundle / f"stderr.{rank}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    if processes > 1:
        values: dict[str, Any] = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": processes, "MASTER_PORT": port}
        os.environ.update({name: str(value) for name, value in values.items()}, MASTER_ADDR="127.0.0.1")
    code = 1
    try:
        from tunewright.runners import train_trl
        from tunewright.runners.sdk import main as run

        run(train_trl.MANIFEST, train_trl.work, ["run", str(bundle)])
    except SystemExit as end:
        code = int(end.code or 0)
    finally:
        sys.stderr.flush()
        os._exit(code)


def wait(pids: list[int]) -> list[int]:
    """Return the exit codes of all; the first that is not 0 ends the others."""
    codes: dict[int, int] = {}
    while len(codes) < len(pids):
        pid, status = os.wait()
        if pid not in pids:
            continue
        codes[pid] = os.waitstatus_to_exitcode(status)
        if codes[pid] != 0:
            for other in set(pids) - set(codes):
                os.kill(other, signal.SIGKILL)
    return [codes[pid] for pid in pids]


if __name__ == "__main__":
    main()
