"""What tests of training share: rows, parameters, and runs in one process or several."""

import json
import os
import re
import subprocess
import sys
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import sub
from pathlib import Path
from typing import Any

import pytest

import tunewright
from tunewright.runners import contract
from tunewright.spec.methods import METHODS

if (_HERE := str(Path(__file__).parent / "shared")) not in sys.path:
    sys.path.append(_HERE)

from watching.healthy_curves import WATCH  # noqa: E402 - found only now

PACKAGE_ROOT = str(Path(tunewright.__file__).parents[1])
TEAMS = ("billing", "network", "account")

PARAMETERS: dict[str, Any] = {
    "method": "sft",
    "tuner": {"type": "lora", "rank": 8, "alpha": 16, "dropout": 0.0, "target_modules": "all-linear"},
    "learning_rate": 1e-2,
    "lr_scheduler_type": "constant",
    "warmup_ratio": 0.0,
    "num_train_epochs": 1,
    "max_steps": 6,
    "per_device_train_batch_size": 8,
    "gradient_accumulation_steps": 1,
    "max_length": 128,
    "packing": False,
    "loss_on": "completion",
    "weight_decay": 0.0,
    "max_grad_norm": 1.0,
    "optim": "adamw_torch",
    "seed": 7,
    "precision": "fp32",
    "gradient_checkpointing": False,
    "attention": "eager",
    "kernels": "fused",
    "train_sampling_strategy": "random",
    "logging_steps": 1,
    "save_steps": None,
    "save_total_limit": 2,
    "watch": WATCH,
    "parallelism": {"strategy": "single", "processes": 1},
    "device": "cpu",
    "threads": 1,
    "data": {"rows": {"format": "messages"}},
    "evaluation_share": 0,
    "system_prompt": None,
    "options": {},
}
FULL = {"tuner": {"type": "full"}, "learning_rate": 1e-3}
PREFERENCES = {"data": {"rows": {"format": "preference"}}}


@pytest.fixture(scope="session")
def parameters() -> dict[str, Any]:
    """What a training step of the tests is told."""
    return PARAMETERS


def conversations(count: int = 64) -> list[dict[str, Any]]:
    return [
        {
            "messages": [
                {"role": "user", "content": f"open ticket number {n % 20}"},
                {"role": "assistant", "content": f"team {TEAMS[n % 3]}, priority high."},
            ]
        }
        for n in range(count)
    ]


def preferences(count: int = 64) -> list[dict[str, Any]]:
    good, bad = "team billing, priority high.", "team network, priority low."
    return [{"prompt": f"open ticket number {n % 20}", "chosen": good, "rejected": bad} for n in range(count)]


def instructions(count: int = 64) -> list[dict[str, Any]]:
    return [{"instruction": f"ticket {n % 20}", "output": f"team {TEAMS[n % 3]}, priority high."} for n in range(count)]


def texts(count: int = 24) -> list[dict[str, Any]]:
    return [{"text": f"open ticket number {n % 20}: team {TEAMS[n % 3]}, priority high."} for n in range(count)]


def questions(count: int = 32) -> list[dict[str, Any]]:
    return [{"prompt": f"open ticket number {n % 20}", "answer": "team billing"} for n in range(count)]


def labelled(count: int = 48) -> list[dict[str, Any]]:
    return [{"text": f"route ticket number {n % 20}: team {TEAMS[n % 3]}", "label": TEAMS[n % 3]} for n in range(count)]


def pairs(count: int = 40) -> list[dict[str, Any]]:
    return [
        {"anchor": f"open claim number {n % 20}", "positive": f"claim {n % 20}, priority high"} for n in range(count)
    ]


ROWS: dict[str, Callable[[], list[dict[str, Any]]]] = {
    "messages": conversations,
    "preference": preferences,
    "instruction": instructions,
    "text": texts,
    "prompt": questions,
    "text_label": labelled,
    "anchor_positive": pairs,
}


@dataclass
class Trained:
    """What a training run left behind."""

    bundle: Path
    code: int
    stderr: str

    @property
    def outputs(self) -> Path:
        return self.bundle / contract.OUTPUTS

    def of(self, kind: str) -> list[dict[str, Any]]:
        path = self.bundle / contract.EVENTS
        lines = path.read_text().splitlines() if path.exists() else []
        return [event for event in map(json.loads, lines) if event["kind"] == kind]

    @property
    def losses(self) -> list[float]:
        return [event["values"]["loss"] for event in self.of("metric") if "loss" in event["values"]]

    @property
    def summary(self) -> dict[str, Any]:
        assert self.code == 0, self.stderr[-2000:]
        (event,) = self.of("summary")
        values: dict[str, Any] = event["values"]
        return values

    @property
    def reason(self) -> str:
        (event,) = self.of("failure")
        assert event["help"], "a failure tells what to do"
        return str(event["reason"])


_TOGETHER = """
import sys
from tunewright.runners.sdk import main
from tunewright.runners.train_trl import MANIFEST, work
for bundle in sys.argv[1:]:
    try:
        main(MANIFEST, work, ["run", bundle])
    except SystemExit as end:
        print("ended", int(end.code), flush=True)
"""


@dataclass
class TrainBench:
    """Writes training bundles on the tiny model and runs them for real."""

    folder: Path
    python: str
    model: Path
    started: list["subprocess.Popen[str]"] = field(default_factory=list)

    def bundle(
        self,
        name: str,
        *changes: dict[str, Any],
        adapter: Path | None = None,
        rows: list[dict[str, Any]] | None = None,
        more_inputs: dict[str, tuple[Path, str]] | None = None,
        model: Path | None = None,
        kind: str = "train.trl",
        **files: dict[str, Any],
    ) -> Path:
        """Return a new bundle; `files` are written to work/ with the suffix .json, as the supervisor does.

        `more_inputs` has path and role of further models; `rows` replaces those that the format has here.
        """
        # The files of a session share this folder, and two of them may think of one name.
        taken = sum(1 for path in self.folder.iterdir() if path.name.partition("~")[0] == name)
        bundle = self.folder / (f"{name}~{taken}" if taken else name)
        for part in (contract.INPUTS, contract.WORK, contract.OUTPUTS):
            (bundle / part).mkdir(parents=True)
        parameters = {key: value for part in (PARAMETERS, *changes) for key, value in part.items()}
        if parameters["method"] == "kto":
            parameters["train_sampling_strategy"] = METHODS["kto"].sampling
        parameters["options"] = {**METHODS[parameters["method"]].options, **parameters["options"]}
        rows = rows or ROWS[parameters["data"]["rows"]["format"]]()
        data = bundle / contract.INPUTS / "rows.jsonl"
        data.write_text("".join(json.dumps(row) + "\n" for row in rows))
        inputs = {"model": (model or self.model, "model"), "data.rows": (data, "data"), **(more_inputs or {})}
        if adapter is not None:
            inputs["adapter"] = (adapter, "adapter")
        step = contract.StepFile(
            run="run",
            step=name,
            attempt=1,
            kind=kind,
            inputs={
                key: contract.Input(path=str(path), digest=f"sha256:{'0' * 64}", role=role)
                for key, (path, role) in inputs.items()
            },
            parameters=parameters,
            command=contract.Command(argv=("unused",)),
        )
        (bundle / contract.STEP).write_text(json.dumps(step.to_json()))
        for stem, content in files.items():
            (bundle / contract.WORK / f"{stem}.json").write_text(json.dumps(content))
        return bundle

    @staticmethod
    def environment() -> dict[str, str]:
        """Return the environment variables of a process that trains."""
        return {**os.environ, "PYTHONPATH": PACKAGE_ROOT, "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}

    def start(self, bundle: Path, *, processes: int = 1, limit: tuple[str, ...] = ()) -> "subprocess.Popen[str]":
        """Start a bundle's training in a process group of its own; `limit` is a command that wraps it."""
        launcher = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes))
        runner = contract.read_step(bundle).kind.replace(".", "_")
        process = subprocess.Popen(
            [
                *limit, self.python, "-P", *(launcher if processes > 1 else ()),
                "-m", f"tunewright.runners.{runner}", "run", str(bundle),
            ],
            cwd=bundle / contract.WORK,
            env=self.environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )  # fmt: skip
        self.started.append(process)
        return process

    def finish(self, bundle: Path, process: "subprocess.Popen[str]") -> Trained:
        """Wait for a started training."""
        stderr = process.communicate(timeout=400)[1]
        return Trained(bundle=bundle, code=process.returncode, stderr=stderr)

    def run_together(self, *bundles: Path) -> list[Trained]:
        """Train several bundles one after the other in one process: the libraries are loaded once."""
        command = [self.python, "-P", "-c", _TOGETHER, *map(str, bundles)]
        done = subprocess.run(command, env=self.environment(), capture_output=True, text=True, timeout=400, check=False)
        codes = re.findall(r"^ended (\d+)$", done.stdout, re.MULTILINE)  # libraries write there too
        assert len(codes) == len(bundles), done.stderr[-2000:]
        return [
            Trained(bundle=bundle, code=int(code), stderr=done.stderr)
            for bundle, code in zip(bundles, codes, strict=True)
        ]

    def trials(self, bundles: Mapping[str, Path]) -> dict[str, dict[str, Any]]:
        """Train bundles in one process by tuner_trials.py; return what it says of each, with its `path`."""
        command = [self.python, "-P", str(Path(__file__).with_name("tuner_trials.py")), *map(str, bundles.values())]
        done = subprocess.run(command, env=self.environment(), capture_output=True, text=True, timeout=400, check=False)
        lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"')]
        found = {line["bundle"]: line for line in lines}
        assert len(found) == len(bundles), done.stderr[-3000:]
        return {name: found[bundle.name] | {"path": bundle} for name, bundle in bundles.items()}

    def left(self, bundle: Path) -> Trained:
        """Return what a training that ended well has left."""
        return Trained(bundle=bundle, code=0, stderr="")

    def run(self, name: str, *changes: dict[str, Any], processes: int = 1, **more: Any) -> Trained:
        """Train to the end."""
        bundle = self.bundle(name, *changes, **more)
        return self.finish(bundle, self.start(bundle, processes=processes))


@pytest.fixture(scope="session")
def trainer(train_python: str, tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrainBench]:
    """A bench whose processes do not outlive the session."""
    bench = TrainBench(folder=tmp_path_factory.mktemp("train"), python=train_python, model=tiny_folder)
    yield bench
    for process in bench.started:
        if process.poll() is None:
            os.killpg(process.pid, 9)
            process.communicate()


@pytest.fixture(scope="session")
def sft(trainer: TrainBench) -> Trained:
    """A LoRA adapter trained without interruption, with checkpoints, on which other tests build."""
    return trainer.run("sft", {"save_steps": 2})


@pytest.fixture(scope="session")
def parts() -> dict[str, dict[str, Any]]:
    """Pieces of parameters that tests combine."""
    return {"parameters": PARAMETERS, "full": FULL, "preferences": PREFERENCES}


@pytest.fixture(scope="session")
def documents() -> list[dict[str, Any]]:
    """Plain texts, enough for several steps of whole batches when they are packed."""
    return texts(200)


@pytest.fixture(scope="session")
def operators(train_python: str) -> None:
    """DeepSpeed's compiled operators: a minute and a half once an environment, then nothing."""
    environment = {**os.environ, "PYTHONPATH": PACKAGE_ROOT}
    command = [train_python, "-P", "-m", "tunewright.runners.build_extensions"]
    subprocess.run(command, check=True, capture_output=True, env=environment, timeout=500)
    again = subprocess.run(command, check=True, capture_output=True, text=True, env=environment, timeout=500)
    assert "compiling" not in again.stderr, "what is built is not built again"


@pytest.fixture(scope="session")
def tensors_of() -> Callable[[Path, Path], float]:
    """A function that gives the greatest difference between the 32-bit weights of two output folders."""

    def difference(one: Path, other: Path) -> float:
        ours, theirs = _weights(one), _weights(other)
        assert ours
        assert ours.keys() == theirs.keys()
        return max(max(map(abs, map(sub, ours[name], theirs[name]))) for name in ours)

    return difference


def _weights(folder: Path) -> dict[str, Sequence[float]]:
    """Read safetensors without torch, whose import would take longer than all else."""
    found: dict[str, Sequence[float]] = {}
    for path in sorted(folder.glob("*.safetensors")):
        content = path.read_bytes()
        start = 8 + int.from_bytes(content[:8], "little")
        for name, entry in json.loads(content[8:start]).items():
            if name != "__metadata__":
                assert entry["dtype"] == "F32", name
                begin, end = (start + offset for offset in entry["data_offsets"])
                found[name] = array("f", content[begin:end])
    return found


@dataclass
class Nursery:
    """Trains in forks of one process that has the libraries loaded; see nursery.py."""

    bench: TrainBench
    process: "subprocess.Popen[str]"

    def start(self, bundle: Path, *, processes: int = 1, largest_file: int = -1) -> list[int]:
        """Start the processes of a training; return their ids."""
        pids: list[int] = self._ask(bundle=str(bundle), processes=processes, largest_file=largest_file)["pids"]
        return pids

    def finish(self, bundle: Path, pids: list[int]) -> Trained:
        """Wait for a started training."""
        codes = self._ask(wait=pids)["codes"]
        stderr = "".join(path.read_text() for path in sorted(bundle.glob("stderr.*.log")))
        return Trained(bundle=bundle, code=next((code for code in codes if code), 0), stderr=stderr)

    def run(self, bundle: Path, **more: Any) -> Trained:
        """Train to the end."""
        return self.finish(bundle, self.start(bundle, **more))

    def _ask(self, **request: Any) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer


@pytest.fixture(scope="session")
def nursery(trainer: TrainBench) -> Iterator[Nursery]:
    """A nursery; what still trains when it ends is killed with it."""
    process = subprocess.Popen(
        [trainer.python, "-P", str(Path(__file__).with_name("nursery.py"))],
        env={**trainer.environment(), "PYTHONHASHSEED": "0", "MKL_CBWR": "AUTO", "OMP_DYNAMIC": "FALSE"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    yield Nursery(bench=trainer, process=process)
    assert process.stdin is not None
    process.stdin.close()
    process.wait(timeout=60)
