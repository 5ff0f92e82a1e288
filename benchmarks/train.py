"""Measure one and the same training job with us, with a bare TRL script, and with other frameworks where installed.

    PYTHONPATH=src python -P benchmarks/train.py --python TRAIN_PYTHON --model FOLDER [--llama-factory PYTHON]

The job: 100 conversations with a system message, in file order, the model's own chat template, loss on the reply only,
LoRA r8 alpha 16 on all linear layers, bf16 weights, batch 4, 25 steps, a constant rate of 2e-4. The first losses must
agree to 1e-2 on average, or the comparison is void and says so. TRAIN_PYTHON is the interpreter of the `train`
environment (`tunewright env sync train` prints it), FOLDER a model in the hub's form. Arms take turns, so that what
else the machine does meets all of them; whole-process wall time, processor time and the first step are shown, best of
the runs.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tunewright.client.cli.specs import world
from tunewright.compiler.front import compile_text
from tunewright.runners import contract

STEPS, BATCH = 25, 4
#: How far the first losses of two arms may be apart on average, and how many. A single one may be further: between 2
#: and 4 a rounding step of bf16 is 0.016, and after the first update all arms learn from activations rounded so.
AGREEMENT, FIRST = 1e-2, 5
JOB = {
    "rank": 8, "alpha": 16, "learning_rate": 2e-4, "batch": BATCH, "steps": STEPS, "max_length": 256,
}  # fmt: skip
_SYSTEM = "You route messages of customers to a team."
_COMPLAINTS = (
    "the invoice of {month} names an amount that I never agreed to",
    "since {month} the connection breaks off every evening and nobody calls me back",
    "please change the address of my account, I moved in {month}",
    "the device that came in {month} makes a noise and smells of burnt plastic",
)
_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October")
_REPLY = (
    "Thank you for ticket {n}. I hand it to the {team} team, who will look at what happened in {month} and write to "
    "you within two working days; until then you need not do anything."
)
_TEAMS = ("billing", "network", "account", "repair")
_LOSS = re.compile(r"'loss': '?([0-9.]+)")
_SPEC = """api_version: tunewright/v1
name: benchmark
base: {{model: "dir:{model}"}}
data: {{rows: {{source: "file:rows.jsonl", format: messages}}}}
resources: {{accelerator: cpu}}
seed: 0
steps:
  sft:
    train:
      method: sft
      data: rows
      tuner: {{type: lora, rank: {rank}, alpha: {alpha}, dropout: 0.0}}
      learning_rate: {learning_rate}
      lr_scheduler_type: constant
      warmup_ratio: 0.0
      max_steps: {steps}
      per_device_train_batch_size: {batch}
      gradient_accumulation_steps: 1
      max_length: {max_length}
      precision: bf16
      kernels: {kernels}
      train_sampling_strategy: sequential
      save_steps: 1000
"""


@dataclass(slots=True)
class Measured:
    """What one arm needed: seconds, bytes, and its losses by step."""

    wall: float
    cpu: float
    first_step: float
    peak: int
    losses: list[float] = field(default_factory=list)


class ArmError(RuntimeError):
    """An arm's process failed; the text is the end of its log."""


def write_rows(path: Path) -> None:
    """Write the job's rows."""
    rows = [
        {
            "messages": [
                {"role": "system", "content": _SYSTEM},
                {"role": "user", "content": f"Ticket {n}: " + _COMPLAINTS[n % 4].format(month=_MONTHS[n % 10]) + "."},
                {"role": "assistant", "content": _REPLY.format(n=n, team=_TEAMS[n % 4], month=_MONTHS[n % 10])},
            ]
        }
        for n in range(STEPS * BATCH)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def measure(command: list[str], folder: Path, environment: dict[str, str], losses_in: Path | None = None) -> Measured:
    """Run a command to its end; the first step is over when the first loss is told."""
    log = folder / "log.txt"
    started, first = time.monotonic(), 0.0
    with log.open("wb") as stream:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=stream, stderr=subprocess.STDOUT)
        while True:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            now = time.monotonic() - started
            if not first and read_losses(losses_in or log):
                first = now
            if pid:
                break
            time.sleep(0.02)
    if status:
        raise ArmError(log.read_text(errors="replace")[-1000:])
    return Measured(
        wall=now,
        cpu=usage.ru_utime + usage.ru_stime,
        first_step=first,
        peak=usage.ru_maxrss * 1024,
        losses=read_losses(losses_in or log),
    )


def read_losses(path: Path) -> list[float]:
    """Return the losses that a log tells so far: ours are events, the others' are printed."""
    if not path.exists():
        return []
    text = path.read_text(encoding="utf-8", errors="replace")
    if path.name == contract.EVENTS:
        events = (json.loads(line) for line in text.splitlines() if '"metric"' in line and line.endswith("}"))
        return [event["values"]["loss"] for event in events if "loss" in event["values"]]
    return [float(found) for found in _LOSS.findall(text)]


def tunewright(folder: Path, python: str, model: Path, environment: dict[str, str], *, kernels: str) -> Measured:
    """Run the job as the plan of a spec has it, in a bundle, the way the daemon's supervisor starts one."""
    spec = _SPEC.format(model=model, kernels=kernels, **JOB)
    compiled = compile_text(spec, name="life.yaml", base_directory=folder, **world())
    if compiled.plan is None:
        sys.exit("\n".join(item.message for item in compiled.diagnostics))
    planned = next(step for step in compiled.plan.steps if step.name == "sft")
    bundle = folder / "bundle"
    for part in (contract.INPUTS, contract.WORK, contract.OUTPUTS):
        (bundle / part).mkdir(parents=True)
    places = {"model": model, "data.rows": folder / "rows.jsonl"}
    step = contract.StepFile(
        run="benchmark",
        step="sft",
        attempt=1,
        kind=planned.kind,
        inputs={
            key: contract.Input(path=str(path), digest=f"sha256:{'0' * 64}", role=planned.inputs[key].role)
            for key, path in places.items()
        },
        parameters={**planned.parameters, "threads": int(environment["OMP_NUM_THREADS"])},
        command=contract.Command(argv=("unused",)),
    )
    (bundle / contract.STEP).write_text(json.dumps(step.to_json()), encoding="utf-8")
    command = [python, "-P", "-m", "tunewright.runners.train_trl", "run", str(bundle)]
    return measure(command, folder, environment, bundle / contract.EVENTS)


def bare_trl(folder: Path, python: str, model: Path, environment: dict[str, str], *, attention: str) -> Measured:
    """Run the job as a script on TRL."""
    script = Path(__file__).parent / "training" / "bare_trl.py"
    job = json.dumps({**JOB, "attention": attention})
    return measure([python, "-P", str(script), str(model), "rows.jsonl", "out", job], folder, environment)


def llama_factory(folder: Path, python: str, model: Path, environment: dict[str, str]) -> Measured:
    """Run the job with LLaMA-Factory's own command; its `chatml` template writes what the model's own one writes."""
    tags = {"role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant",
            "system_tag": "system"}  # fmt: skip
    info = {"rows": {"file_name": str(folder / "rows.jsonl"), "formatting": "sharegpt",
                     "columns": {"messages": "messages"}, "tags": tags}}  # fmt: skip
    (folder / "dataset_info.json").write_text(json.dumps(info), encoding="utf-8")
    settings = {
        "model_name_or_path": str(model), "stage": "sft", "do_train": True, "finetuning_type": "lora",
        "lora_target": "all", "lora_rank": JOB["rank"], "lora_alpha": JOB["alpha"], "dataset": "rows",
        "dataset_dir": str(folder), "template": "chatml", "cutoff_len": JOB["max_length"], "output_dir": "out",
        "overwrite_output_dir": True, "per_device_train_batch_size": BATCH, "gradient_accumulation_steps": 1,
        "learning_rate": JOB["learning_rate"], "max_steps": STEPS, "lr_scheduler_type": "constant", "logging_steps": 1,
        "save_strategy": "no", "disable_gradient_checkpointing": True, "disable_shuffling": True,
        "use_cpu": True, "report_to": "none", "seed": 0,
    }  # fmt: skip
    (folder / "job.yaml").write_text(json.dumps(settings), encoding="utf-8")  # JSON is YAML
    environment = {**environment, "DISABLE_VERSION_CHECK": "1"}
    return measure([python, "-m", "llamafactory.cli", "train", "job.yaml"], folder, environment)


def main() -> None:
    """Run all arms in turn and print one table."""
    parser = argparse.ArgumentParser(description="Measure one training job with us and with others.")
    parser.add_argument("--python", required=True, help="interpreter of the `train` environment")
    parser.add_argument("--model", required=True, type=Path, help="folder of the base model")
    parser.add_argument("--llama-factory", help="interpreter of an environment with LLaMA-Factory")
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    chosen = parser.parse_args()
    model = chosen.model.resolve()
    environment = {
        **os.environ, "OMP_NUM_THREADS": str(chosen.threads), "OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "0",
        "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false", "PYTHONUNBUFFERED": "1", "CUDA_VISIBLE_DEVICES": "",
    }  # fmt: skip
    others = {name: value for name, value in environment.items() if name != "PYTHONPATH"}
    arms: dict[str, Callable[[Path], Measured]] = {
        "tunewright": lambda at: tunewright(at, chosen.python, model, environment, kernels="fused"),
        "tunewright, plain kernels": lambda at: tunewright(at, chosen.python, model, environment, kernels="plain"),
        "bare TRL, eager": lambda at: bare_trl(at, chosen.python, model, others, attention="eager"),
        "bare TRL": lambda at: bare_trl(at, chosen.python, model, others, attention="sdpa"),
    }
    if chosen.llama_factory:
        arms["LLaMA-Factory"] = lambda at: llama_factory(at, chosen.llama_factory, model, others)
    measured: dict[str, list[Measured]] = {name: [] for name in arms}
    for _ in range(chosen.runs):
        for name, arm in arms.items():
            with tempfile.TemporaryDirectory() as folder:
                write_rows(Path(folder) / "rows.jsonl")
                try:
                    measured[name].append(arm(Path(folder)))
                except ArmError as error:  # what the other arms needed is worth seeing all the same
                    print(f"{name} failed; the end of its log:\n{error}\n", file=sys.stderr)
    report({name: min(runs, key=lambda run: run.wall) for name, runs in measured.items() if runs})


def report(best: dict[str, Measured]) -> None:
    """Print the table, each time beside its ratio to ours, and whether the arms did the same work."""
    ours = best["tunewright"]
    print(f"{'':26} {'wall s':>15} {'first step s':>15} {'s a step':>15} {'cpu s':>7} {'peak MB':>8}  losses")
    for name, run in best.items():
        pace, our_pace = ((one.wall - one.first_step) / (STEPS - 1) for one in (run, ours))
        shown = " ".join(f"{loss:.3f}" for loss in (*run.losses[:3], run.losses[STEPS - 1]))
        print(
            f"{name:26} {run.wall:7.1f} ({run.wall / ours.wall:4.2f}x) {run.first_step:7.1f} "
            f"({run.first_step / ours.first_step:4.2f}x) {pace:7.3f} ({pace / our_pace:4.2f}x) {run.cpu:7.1f} "
            f"{run.peak / 1e6:8.0f}  {shown}"
        )
    apart = {
        name: [abs(one - other) for one, other in zip(run.losses, ours.losses, strict=True)][:FIRST]
        for name, run in best.items()
    }
    furthest = max(apart, key=lambda name: sum(apart[name]))
    average, most = sum(apart[furthest]) / FIRST, max(map(max, apart.values()))
    said = f"\nThe first {FIRST} losses are up to {average:.4f} apart on average ({furthest}), {most:.4f} at most"
    void = f": more than {AGREEMENT}, so the arms did NOT do the same work."
    print(said + ("." if average <= AGREEMENT else void))


if __name__ == "__main__":
    main()
