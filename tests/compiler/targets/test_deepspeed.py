"""DeepSpeed settings: resolved to the last value, and accepted by DeepSpeed's own parser."""

import json
import os
import subprocess

import pytest

from tunewright.compiler.targets.deepspeed import deepspeed_prepare, deepspeed_settings

STAGES = {"zero1": 1, "zero2": 2, "zero3": 3}
CPU = {"offload_optimizer": "cpu"}
CPU_ALL = {"offload_optimizer": "cpu", "offload_parameters": "cpu"}
LAYOUTS = [(name, {}) for name in STAGES] + [("zero2", CPU), ("zero3", CPU), ("zero3", CPU_ALL)]

#: Reads settings from stdin, lets DeepSpeed parse each, prints what it understood.
PARSE = """
import json, sys
from deepspeed.runtime.config import DeepSpeedConfig
for settings in json.load(sys.stdin):
    parsed = DeepSpeedConfig(settings)
    zero = parsed.zero_config
    print("PARSED " + json.dumps({
        "stage": int(zero.stage), "batch": parsed.train_batch_size, "micro": parsed.train_micro_batch_size_per_gpu,
        "accumulation": parsed.gradient_accumulation_steps, "clipping": parsed.gradient_clipping,
        "optimizer": parsed.optimizer_name, "offloads": zero.offload_optimizer is not None,
    }))
"""


@pytest.mark.parametrize(("strategy", "layout"), LAYOUTS)
@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_nothing_is_left_open(strategy, layout, device, train) -> None:
    settings = deepspeed_settings(train(strategy, 4, layout=layout, device=device))
    assert "auto" not in json.dumps(settings)
    assert settings["zero_optimization"]["stage"] == STAGES[strategy]
    assert settings["train_batch_size"] == 4 * 4 * 4
    assert ("optimizer" in settings) == bool(layout)


def test_half_precision_scales_its_loss(train) -> None:
    settings = deepspeed_settings(train("zero2", 2, precision="fp16"))
    assert settings["fp16"]["enabled"]
    assert settings["fp16"]["loss_scale"] == 0
    assert not settings["bf16"]["enabled"]


def test_only_stage_three_gathers_what_it_saves(train) -> None:
    key = "stage3_gather_16bit_weights_on_model_save"
    assert deepspeed_settings(train("zero3", 2))["zero_optimization"][key]
    assert key not in deepspeed_settings(train("zero2", 2))["zero_optimization"]


@pytest.mark.parametrize(
    ("device", "layout", "operators"),
    [
        ("cpu", {}, ["shm_comm"]),
        ("cpu", CPU, ["shm_comm", "cpu_adam"]),
        ("cuda", CPU, ["cpu_adam"]),
        ("cuda", {}, None),
    ],
)
def test_operators_are_compiled_beforehand(device, layout, operators, train) -> None:
    processes = deepspeed_prepare(train("zero3", 2, device=device, layout=layout))
    expected = (
        [] if operators is None else [("{python}", "-P", "-m", "tunewright.runners.build_extensions", *operators)]
    )
    assert [process.argv for process in processes] == expected


@pytest.mark.train
def test_deepspeed_accepts_every_layout(train, train_python) -> None:
    steps = [train(name, 1, layout=layout, device=device) for name, layout in LAYOUTS for device in ("cpu", "cuda")]
    environment = {
        **os.environ,
        "DS_ACCELERATOR": "cpu",
        "RANK": "0",
        "WORLD_SIZE": "1",
        "LOCAL_RANK": "0",
        "OMP_NUM_THREADS": "1",
    }
    done = subprocess.run(
        [train_python, "-P", "-c", PARSE],
        input=json.dumps([deepspeed_settings(step) for step in steps]),
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    parsed = [
        json.loads(line.removeprefix("PARSED ")) for line in done.stdout.splitlines() if line.startswith("PARSED ")
    ]
    assert len(parsed) == len(steps)
    for step, understood in zip(steps, parsed, strict=True):
        offloads = step.parallelism.offload_optimizer == "cpu"
        assert understood == {
            "stage": STAGES[step.parallelism.strategy],
            "batch": 16,
            "micro": 4,
            "accumulation": 4,
            "clipping": 1.0,
            "optimizer": "adamw" if offloads else None,
            "offloads": offloads,
        }


def test_weights_on_a_disk_give_their_buffers_back(train) -> None:
    disk = {"offload_optimizer": "nvme", "offload_parameters": "nvme", "nvme_path": "/scratch"}
    zero = deepspeed_settings(train("zero3", 2, layout=disk))["zero_optimization"]
    assert zero["offload_param"]["buffer_count"] == 5
    assert (zero["stage3_max_live_parameters"], zero["stage3_max_reuse_distance"]) == (0, 0)
    assert zero["stage3_prefetch_bucket_size"] == 0
