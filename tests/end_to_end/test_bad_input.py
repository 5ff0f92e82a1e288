"""What goes wrong while models learn, through the command line: what is kept, what is said, how it goes on."""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

if (_HERE := str(Path(__file__).parent)) not in sys.path:
    sys.path.append(_HERE)

from faulty_environment import add_faults, plan_faults  # noqa: E402 - found only now

pytestmark = [pytest.mark.train, pytest.mark.slow]

SPEC = """\
api_version: tunewright/v1
name: {name}
base: {{model: "dir:model"}}
data:
  rows: {{source: "file:{rows}"}}
steps:
  sft: {{train: {{method: sft, data: rows, loss: faults.loss, learning_rate: 5.0e-3, max_steps: 20, max_length: 64,
                precision: fp32, save_steps: 4, per_device_train_batch_size: 4, gradient_accumulation_steps: 1,
                watch: {watch}}}}}
"""
REWARDED = """\
api_version: tunewright/v1
name: paid
base: {{model: "dir:model"}}
data:
  prompts: {{source: "file:prompts.jsonl", format: prompt}}
steps:
  paid: {{train: {{method: grpo, data: prompts, learning_rate: 1.0e-3, max_steps: 30, max_length: 64, precision: fp32,
                 rewards: [{{name: faults.reward}}], num_generations: 4, max_completion_length: 6, save_steps: 4,
                 per_device_train_batch_size: 8, gradient_accumulation_steps: 1,
                 watch: {{reward_collapse: {policy}, reward_collapse_reports: 3}}}}}}
"""
#: Much more than what else runs here takes or gives back meanwhile.
HELD = 6 * 10**9


@pytest.fixture(scope="module")
def faulty(world: Any) -> Iterator[Any]:
    cache = Path(world.environment["TUNEWRIGHT_CACHE"])
    add_faults(cache)
    prompts = [{"prompt": f"route ticket number {number}"} for number in range(16)]
    (world.folder / "prompts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in prompts), encoding="utf-8")
    with world.daemon():
        yield world


def write(world: Any, text: str, *faults: dict[str, Any]) -> None:
    (world.folder / "life.yaml").write_text(text, encoding="utf-8")
    strike(world, *faults)


def strike(world: Any, *faults: dict[str, Any]) -> None:
    plan_faults(Path(world.environment["TUNEWRIGHT_CACHE"]), *faults)


def newest(world: Any) -> dict[str, Any]:
    found: dict[str, Any] = world.run("runs", "--json").json["runs"][0]
    return found


def checkpoints(world: Any, run: str) -> list[Path]:
    return sorted((world.home / "bundles" / run / "sft" / "1" / "work" / "checkpoints").glob("checkpoint-*"))


def share_with(more_bytes: int) -> float:
    """Return the share of the machine's memory that is in use when so much more is."""
    lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    figures = {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines)}
    return min(1 - figures["MemAvailable"] / figures["MemTotal"] + more_bytes / 1024 / figures["MemTotal"], 0.99)


def test_undone_then_paused_then_resumed_with_another_rate(faulty: Any) -> None:
    """A spike is undone, memory that is really taken pauses the step, and a person goes on with a lower rate."""
    watch = (
        "{loss_spike: rollback_and_continue, gradient_explosion: warn, window: 16, warm_up: 8, memory: pause, "
        f"host_memory_share: {share_with(HELD // 2):.4f}}}"
    )
    spike, hold = {"at": 11, "do": "spike"}, {"at": 15, "do": "hold", "bytes": HELD}
    write(faulty, SPEC.format(name="watched", rows="rows.jsonl", watch=watch), spike, hold)

    paused = faulty.run("run", "life.yaml")

    assert paused.code == 75, paused.stdout + paused.stderr
    assert (
        "back to checkpoint-8, on with the next rows and 0.5 times the learning rate" in paused.stdout + paused.stderr
    )
    assert "of the host's memory is in use" in paused.stdout
    assert "[MEMORY_LOW]" in paused.stdout
    old = newest(faulty)["id"]
    assert f"tunewright resume {old} --set learning_rate=..." in paused.stdout
    strike(faulty)
    changes = ("--set", "learning_rate=1.0e-3", "--set", "watch.memory=warn", "--reason", "memory was short")
    resumed = faulty.run("resume", old, *changes)
    assert resumed.code == 0, resumed.stdout + resumed.stderr
    new = newest(faulty)["id"]
    lineage = [line for line in resumed.stdout.splitlines() if line.startswith("  lineage")]
    assert len(lineage) == 1
    for part in (f"run {old}", "memory was short", "learning_rate 0.005 -> 0.001, watch.memory pause -> warn"):
        assert part in lineage[0]
    assert f"  lineage    goes on as run {new}" in faulty.run("watch", old).stdout
    assert "warned     sft: step 11: the gradient norm" in faulty.run("watch", old).stdout


def test_rewards_that_become_equal_stop_the_step(faulty: Any) -> None:
    write(faulty, REWARDED.format(policy="stop"), {"at": 60, "do": "same"})

    stopped = faulty.run("run", "life.yaml")

    assert stopped.code == 1, stopped.stdout + stopped.stderr
    assert "all replies have got the same reward in the last 3 reports" in stopped.stdout
    assert "[REWARD_COLLAPSE]" in stopped.stdout
    assert "checkpoint-" in stopped.stdout


def test_a_full_disk_then_a_damaged_checkpoint_then_no_memory(faulty: Any) -> None:
    """Each time what is whole is kept, and the retry goes on from the newest checkpoint that can be believed."""
    spec = SPEC.format(name="unlucky", rows="rows.jsonl", watch="{}")
    write(faulty, spec, {"at": 11, "do": "fill_disk", "bytes": 40_000})

    full = faulty.run("run", "life.yaml")

    assert full.code == 1, full.stdout + full.stderr
    assert "the disk is full: checkpoint-12 could not be written; checkpoint-8 is kept  [DISK_FULL]" in full.stdout
    run = newest(faulty)["id"]
    assert [path.name for path in checkpoints(faulty, run)] == ["checkpoint-4", "checkpoint-8"]
    assert f"tunewright retry {run}   (goes on from the last checkpoint)" in full.stdout

    weights = checkpoints(faulty, run)[-1] / "adapter_model.safetensors"
    damaged = bytearray(weights.read_bytes())
    damaged[-50] ^= 1
    weights.write_bytes(damaged)
    strike(faulty, {"at": 3, "do": "exhaust"})
    short = faulty.run("retry", run)

    assert short.code == 1, short.stdout + short.stderr
    assert "going on from checkpoint-4" in short.stdout + short.stderr
    assert "warned     sft: checkpoint-8 is not used: adapter_model.safetensors has other content" in short.stdout
    assert "the host's memory is used up: measured peak " in short.stdout
    assert " and 1.1 GB more refused, estimated " in short.stdout
    assert "[OUT_OF_MEMORY]" in short.stdout
    (told,) = (line for line in short.stdout.splitlines() if line.startswith("  help: "))
    assert "what needs least: `per_device_train_batch_size: 1` with `gradient_accumulation_steps: 4`" in told
    assert len(re.findall(r"` \([\d.]+ [MG]B, ", told)) == 3, told
    assert "change the spec or its data, then: tunewright run life.yaml" in short.stdout
    assert f"lineage    does run {run} again" in short.stdout

    strike(faulty, {"at": 3, "do": "exhaust_device"})
    device = faulty.run("retry", newest(faulty)["id"])
    assert " and 2.1 GB more refused, estimated " in device.stdout
    assert "[OUT_OF_MEMORY]" in device.stdout
    assert "Traceback" not in full.stdout + short.stdout + device.stdout
