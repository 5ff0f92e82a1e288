"""Megatron: two processes learn what one learns, one learns what TRL's trainer learns, whatever the layout.

What is run is what the compiler plans: parameters and megatron.json come from a compiled spec.
"""

import json
import os
import shutil
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tunewright.compiler.front import compile_text
from tunewright.compiler.ir.facts import EnvironmentFacts, HardwareFacts
from tunewright.runners import contract

pytestmark = pytest.mark.train

HERE = Path(__file__).parent
#: fp32 sums taken in another order: seen up to 2e-6 on the losses of six steps.
LOSS_TOLERANCE = 2e-5
#: Seen up to 6e-5: Adam's first steps turn a rounding of a tiny gradient into a step of up to the learning rate.
WEIGHT_TOLERANCE = 1e-3
LOGITS_TOLERANCE = 1e-4

MACHINE = HardwareFacts(cpu_cores=2, memory_bytes=64 * 2**30)
FULL = {"tuner": "full", "learning_rate": 1e-3}
LORA = {"tuner": {"type": "lora", "rank": 8, "alpha": 16}, "learning_rate": 1e-2}

#: The adapter that `on` goes on with, one process's.
ADAPTER = "llama 0.01"
APART = """
import json, sys
from pathlib import Path
from safetensors.torch import load_file
def read(folder):
    return {name: item for path in sorted(Path(folder).glob("*.safetensors")) for name, item in load_file(path).items()}
found = {}
for name, pair in json.loads(sys.argv[1]).items():
    one, other = map(read, pair)
    assert one and one.keys() == other.keys(), (name, one.keys() ^ other.keys())
    found[name] = max(float((one[key].float() - other[key].float()).abs().max()) for key in one)
print(json.dumps(found))
"""

#: name -> (family, tuner, the degrees of two processes, rows a process takes at once, micro-batches)
LAYOUTS: dict[str, tuple[str, dict[str, Any], dict[str, Any], int, int]] = {
    "tensor": ("llama", FULL, {"tensor_parallel": 2}, 8, 1),
    "pipeline": ("llama", FULL, {"pipeline_parallel": 2}, 2, 4),
    "interleaved": ("llama", FULL, {"pipeline_parallel": 2, "virtual_pipeline_parallel": 2}, 2, 4),
    "data": ("llama", FULL, {}, 4, 1),
    "sequence": ("qwen3", FULL, {"tensor_parallel": 2, "sequence_parallel": True}, 8, 1),
    "biases": ("qwen2", FULL, {"tensor_parallel": 2}, 8, 1),
    "experts": ("qwen3_moe", FULL, {"expert_parallel": 2}, 4, 1),
    "cut experts": ("mixtral", FULL, {"tensor_parallel": 2, "sequence_parallel": True}, 8, 1),
    "adapters": ("llama", LORA, {"tensor_parallel": 2}, 8, 1),
    "adapters and sequence": ("qwen3", LORA, {"tensor_parallel": 2, "sequence_parallel": True}, 8, 1),
    "adapters and pipeline": ("llama", LORA | {"gradient_checkpointing": True}, {"pipeline_parallel": 2}, 2, 4),
}


@pytest.fixture(scope="module")
def families(train_python: str, tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one small model of each family."""
    folder = tmp_path_factory.mktemp("families")
    script = [train_python, "-P", str(HERE / "tiny_families.py"), str(tiny_folder), str(folder)]
    subprocess.run(script, check=True, capture_output=True, timeout=200)
    return folder


@pytest.fixture(scope="module")
def plan(families: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., dict[str, Any]]:
    """A function that compiles a training step and gives what the runner is told: parameters and megatron.json."""
    folder = tmp_path_factory.mktemp("plans")
    row = {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}
    (folder / "rows.jsonl").write_text(json.dumps(row) + "\n")
    environments = {name: EnvironmentFacts(name=name, digest="sha256:0") for name in ("train", "megatron")}

    def plan(family: str, tuner: dict[str, Any], layout: dict[str, Any], rows: int = 8, micro: int = 1) -> Any:
        step = {
            "method": "sft",
            "data": "rows",
            "max_steps": 6,
            "lr_scheduler_type": "constant",
            "warmup_ratio": 0.0,
            "per_device_train_batch_size": rows,
            "gradient_accumulation_steps": micro,
            "max_length": 128,
            "seed": 7,
            "precision": "fp32",
            "parallelism": {"strategy": "megatron", **layout},
            **tuner,
        }
        spec = {
            "api_version": "tunewright/v1",
            "name": "layouts",
            "base": {"model": f"dir:{families / family}"},
            "data": {"rows": {"source": "file:rows.jsonl", "format": "messages"}},
            "steps": {"sft": {"train": step}},
        }
        compiled = compile_text(
            yaml.safe_dump(spec), name="life.yaml", base_directory=folder, hardware=MACHINE,
            environments=environments, variables={},
        )  # fmt: skip
        assert compiled.plan is not None, [item.message for item in compiled.diagnostics]
        planned = compiled.plan.step("sft")
        assert planned.not_executable is None
        parameters = json.loads(json.dumps(planned.parameters, default=dict)) | {"save_steps": None, "threads": 1}
        return {"parameters": parameters, "megatron": json.loads(planned.launch.files["megatron.json"])}

    return plan


@pytest.fixture(scope="module")
def learn(trainer: Any, families: Path, train_python: str) -> Callable[..., dict[str, Any]]:
    """A function that trains several steps in the same processes and gives what each left."""

    def learn(where: str, steps: dict[str, tuple[str, dict[str, Any]]], *, processes: int = 1,
              runner: str = "train_megatron", expected: int = 0) -> dict[str, Any]:  # fmt: skip
        bundles = {}
        for name, (family, planned) in steps.items():
            if (trainer.folder / f"{where} {name}").exists():  # it goes on where it was left
                bundles[name] = trainer.folder / f"{where} {name}"
                continue
            bundles[name] = trainer.bundle(
                f"{where} {name}",
                planned["parameters"],
                kind=runner.replace("_", "."),
                adapter=trainer.folder / f"alone {ADAPTER}" / contract.OUTPUTS if name == "on" else None,
                model=families / family,
                megatron=planned.get("megatron", {}),
            )
        launcher = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes))
        places = [f"{port}={bundle}" for port, bundle in zip(free_ports(len(bundles)), bundles.values(), strict=True)]
        process = subprocess.Popen(
            [
                train_python, "-P", *(launcher if processes > 1 else ()),
                str(HERE / "several.py"), runner, *places,
            ],
            env={**os.environ, "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )  # fmt: skip
        trainer.started.append(process)
        stderr = process.communicate(timeout=240)[1]
        assert process.returncode == expected, stderr[-4000:]
        return {name: trainer.left(bundle) for name, bundle in bundles.items()}

    return learn


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for item in sockets:
            item.bind(("127.0.0.1", 0))
        return [item.getsockname()[1] for item in sockets]
    finally:
        for item in sockets:
            item.close()


def key_of(family: str, tuner: dict[str, Any]) -> str:
    return f"{family} {tuner['learning_rate']}"


@pytest.fixture(scope="module")
def alone(learn: Any, plan: Any) -> dict[str, Any]:
    """What one process learns, of each family and tuner; `on` goes on with llama's adapter."""
    steps = {key_of(*item): (item[0], plan(*item, {"processes": 1})) for *item, _, _, _ in LAYOUTS.values()}
    return dict(learn("alone", steps | {"on": steps[ADAPTER]}))


@pytest.fixture(scope="module")
def together(learn: Any, plan: Any) -> dict[str, Any]:
    """What two processes learn, by layout."""
    steps = {
        name: (family, plan(family, tuner, {"processes": 2, **layout}, rows, micro))
        for name, (family, tuner, layout, rows, micro) in LAYOUTS.items()
    }
    return dict(learn("together", steps, processes=2))


@pytest.fixture(scope="module")
def trl(alone: dict[str, Any], learn: Any, plan: Any) -> dict[str, Any]:
    """What TRL's trainer learns in one process."""

    def step(family: str, tuner: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        parameters = plan(family, tuner, {"processes": 1})["parameters"]
        return family, {"parameters": parameters | {"parallelism": {"strategy": "single", "processes": 1}}}

    assert alone, "the adapter to go on with is there"
    steps = {key_of(family, FULL): step(family, FULL) for family in ("llama", "qwen3_moe")}
    return dict(learn("trl", steps | {"on": step("llama", LORA)}, runner="train_trl"))


@pytest.fixture(scope="module")
def apart(alone: Any, together: Any, trl: Any, train_python: str) -> dict[str, float]:
    """The greatest difference between weights, by name: of each layout and one process, and of TRL and us."""
    pairs = {name: (together[name], alone[key_of(*LAYOUTS[name][:2])]) for name in LAYOUTS}
    pairs |= {name: (result, alone[name]) for name, result in trl.items()}
    folders = {name: [str(result.outputs) for result in pair] for name, pair in pairs.items()}
    answer = subprocess.run(
        [train_python, "-P", "-c", APART, json.dumps(folders)], check=True, capture_output=True, text=True
    )
    return dict(json.loads(answer.stdout))


def test_logits_are_those_of_transformers_and_weights_come_back(
    families: Path, plan: Any, train_python: str, tmp_path: Path
) -> None:
    names = sorted(path.name for path in families.iterdir())
    plans = {family: plan(family, FULL, {"processes": 1})["megatron"] for family in names}
    (tmp_path / "plans.json").write_text(json.dumps(plans))
    command = [train_python, "-P", str(HERE / "same_logits.py"), str(families), str(tmp_path / "plans.json")]
    answer = subprocess.run(command, check=True, capture_output=True, text=True, timeout=200)
    found = json.loads(answer.stdout.splitlines()[-1])

    assert set(found) == {"llama", "qwen2", "qwen3", "qwen3_moe", "mixtral"}
    for family, figures in found.items():
        assert figures["difference"] < LOGITS_TOLERANCE, family
        assert figures["largest"] > 0.5, "logits that are nearly zero would prove nothing"
        assert figures["same_weights"], family


@pytest.mark.parametrize("name", LAYOUTS)
def test_two_processes_learn_what_one_learns(alone: Any, together: Any, apart: Any, name: str) -> None:
    one, two = alone[key_of(*LAYOUTS[name][:2])], together[name]

    assert len(two.losses) == 6
    assert two.losses == pytest.approx(one.losses, abs=LOSS_TOLERANCE)
    assert two.losses[-1] < two.losses[0] - 0.1
    assert two.summary["tokens"] == one.summary["tokens"]
    assert two.summary["trainable_parameters"] == one.summary["trainable_parameters"]
    assert apart[name] < WEIGHT_TOLERANCE


@pytest.mark.parametrize("name", ["llama 0.001", "qwen3_moe 0.001", "on"])
def test_one_process_learns_what_trl_learns(alone: Any, trl: Any, apart: Any, name: str) -> None:
    ours, theirs = (
        [event["values"] for event in result.of("metric") if "loss" in event["values"]]
        for result in (alone[name], trl[name])
    )

    for figure, tolerance in (("loss", LOSS_TOLERANCE), ("grad_norm", 1e-3), ("learning_rate", 0), ("epoch", 1e-9)):
        wanted = [values[figure] for values in theirs]
        assert [values[figure] for values in ours] == pytest.approx(wanted, abs=tolerance), figure
    assert apart[name] < WEIGHT_TOLERANCE
    assert alone[name].summary["tokens"] == trl[name].summary["tokens"]
    assert sorted(path.name for path in alone[name].outputs.iterdir()) == sorted(
        path.name for path in trl[name].outputs.iterdir()
    )


def test_it_goes_on_from_a_checkpoint_to_the_same_bytes_and_stops_for_nan(learn: Any, plan: Any) -> None:
    """Two processes with the distributed optimizer, the second half once more from the checkpoint in the middle."""
    dropping = LORA | {"tuner": {"type": "lora", "rank": 8, "alpha": 16, "dropout": 0.1}}
    planned = plan("llama", dropping, {"processes": 2}, 4)
    planned["parameters"] |= {"save_steps": 3, "save_total_limit": None}
    diverging = plan("llama", FULL | {"learning_rate": 1.0, "max_grad_norm": 1e9}, {"processes": 2}, 4)
    diverging["parameters"] |= {"learning_rate": 1e30, "save_steps": 1, "max_steps": 50}
    diverging["megatron"]["optimizer"]["lr"] = 1e30
    once = learn("kept", {"whole": ("llama", planned)}, processes=2)["whole"]
    whole = {path.name: path.read_bytes() for path in once.outputs.glob("adapter*")}
    assert [event["step"] for event in once.of("checkpoint")] == [3, 6]

    shutil.rmtree(once.bundle / contract.WORK / "checkpoints" / "checkpoint-6")
    shutil.rmtree(once.outputs)
    steps = {"whole": ("llama", planned), "nan": ("llama", diverging)}
    again = learn("kept", steps, processes=2, expected=1)
    assert {path.name: path.read_bytes() for path in again["whole"].outputs.glob("adapter*")} == whole
    assert any(event["name"] == "going on from checkpoint-3" for event in again["whole"].of("phase"))
    assert [event["step"] for event in again["whole"].of("checkpoint")] == [3, 6, 6]
    assert {event["reason"] for event in again["nan"].of("failure")} == {"NAN_LOSS"}
    assert not list(again["nan"].outputs.glob("*"))
