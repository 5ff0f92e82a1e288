"""Faults put into real trainings: each is noticed, and the policy does what it says."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from watching.healthy_curves import WATCH

import tunewright
from tunewright.runners import contract
from tunewright.runners.contract import ExitCode

pytestmark = pytest.mark.train

HANGING = Path(__file__).parent / "shared" / "watching" / "hanging_trainer.py"
#: A spike is to be found within few steps of a tiny training.
EAGER = {**WATCH, "window": 16, "warm_up": 8, "loss_spike_threshold": 6.0, "gradient_explosion_factor": 4.0}


def watching(**changes: Any) -> dict[str, Any]:
    return {"watch": {**EAGER, **changes}}


def with_a_broken_row(bundle: Path, count: int = 40) -> Path:
    """One row has nothing to do with the others: its loss is many times theirs."""
    good = {"messages": [{"role": "user", "content": "open ticket"}, {"role": "assistant", "content": "team billing."}]}
    reply = "".join(chr(33 + (n * 37 + n * n) % 90) for n in range(80))
    broken = {"messages": [{"role": "user", "content": "@@@"}, {"role": "assistant", "content": reply}]}
    rows = [good] * (count - 1) + [broken]
    (bundle / contract.INPUTS / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return bundle


LONG = {
    "tuner": {"type": "full"},
    "learning_rate": 3e-3,
    "max_steps": 40,
    "per_device_train_batch_size": 1,
    "save_steps": 4,
    "max_grad_norm": 0.5,
}


def warnings_of(trained: Any) -> set[str]:
    return {event["code"] for event in trained.of("warning")}


def test_a_healthy_training_is_left_alone(sft: Any) -> None:
    assert not sft.of("rollback")
    assert not warnings_of(sft) & {"loss-spike", "gradient-explosion", "zero-gradient", "stalled-step"}


@pytest.mark.parametrize("processes", [1, 2], ids=["one-process", "two-processes"])
def test_a_spike_is_undone_and_the_training_goes_on(trainer: Any, processes: int) -> None:
    changes = watching(loss_spike="rollback_and_continue", gradient_explosion="warn")
    # The seeds put the broken row at step 38 of 40.
    ddp = {"parallelism": {"strategy": "ddp", "processes": 2}, "seed": 11} if processes == 2 else {}
    bundle = with_a_broken_row(trainer.bundle(f"spike{processes}", LONG, changes, ddp), 40 * processes)
    trained = trainer.finish(bundle, trainer.start(bundle, processes=processes))
    assert trained.summary["steps"] == 40
    (undone,) = trained.of("rollback")
    assert undone["signal"] == "loss_spike"
    tripped = {(event["signal"], event["policy"]) for event in trained.of("watchdog")}
    assert ("loss_spike", "rollback_and_continue") in tripped
    assert "standard deviations above the median" in undone["message"]
    before = int(undone["checkpoint"].rpartition("-")[2])
    assert before < undone["step"] <= before + 4
    rates = {event["step"]: event["values"].get("learning_rate") for event in trained.of("metric")}
    assert rates[undone["step"] + 1] == pytest.approx(rates[before] * 0.5)
    shown = [event["values"].get("loss") for event in trained.of("metric") if event["step"] == undone["step"]]
    assert shown == [None], "what was undone is not shown as learnt"
    assert max(trained.losses[-5:]) < 2 * min(trained.losses[-10:]) + 0.5


def test_an_exploding_gradient_pauses_with_its_last_good_checkpoint(trainer: Any) -> None:
    changes = watching(gradient_explosion="pause")
    bundle = with_a_broken_row(trainer.bundle("explosion", LONG, changes))
    trained = trainer.finish(bundle, trainer.start(bundle))
    assert trained.code == ExitCode.PAUSED
    (paused,) = trained.of("paused")
    assert paused["reason"] == "GRADIENT_EXPLOSION"
    tripped = {(event["signal"], event["policy"]) for event in trained.of("watchdog")}
    assert ("gradient_explosion", "pause") in tripped
    assert paused["help"]
    assert (bundle / "work/checkpoints" / paused["checkpoint"]).is_dir()
    assert not trained.of("failure")
    assert not any(trained.outputs.iterdir())


def test_rollbacks_come_to_an_end(trainer: Any) -> None:
    """All rows from step 33 on are broken: whatever is tried, the next one is as bad."""
    bundle = with_a_broken_row(trainer.bundle("hopeless", LONG, watching(loss_spike="rollback_and_continue")))
    path = bundle / contract.INPUTS / "rows.jsonl"
    good, *_, broken = path.read_text().splitlines()
    last = {14, 10, 18, 30, 22, 39, 5, 29}  # where the seed puts steps 33 to 40
    path.write_text("".join((broken if n in last else good) + "\n" for n in range(40)))
    trained = trainer.finish(bundle, trainer.start(bundle))
    assert trained.code == ExitCode.FAILED
    assert trained.reason == "LOSS_SPIKE"
    assert [event["step"] for event in trained.of("rollback")] == [33, 34]
    assert "went back 2 times already" in trained.of("failure")[0]["message"]


def test_pairs_that_are_equal_once_cut_teach_nothing(trainer: Any, parts: Any) -> None:
    """Chosen and rejected differ behind `max_length` only: the gradient of DPO is zero."""
    changes = {"method": "dpo", "max_steps": 8, "max_length": 48, **watching(zero_gradient="stop")}
    changes["watch"] |= {"zero_gradient_steps": 3}
    bundle = trainer.bundle("frozen", parts["preferences"], changes)
    same = "team billing, priority high. " * 20
    rows = [{"prompt": f"ticket {n}", "chosen": f"{same}yes", "rejected": f"{same}no"} for n in range(64)]
    (bundle / contract.INPUTS / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    trained = trainer.finish(bundle, trainer.start(bundle))
    assert trained.code == ExitCode.FAILED
    assert trained.reason == "ZERO_GRADIENT"


def test_a_step_that_hangs_is_ended_from_outside(trainer: Any, train_python: str) -> None:
    changes = watching(stalled_step="pause", stalled_step_factor=3.0, stalled_step_at_least_seconds=2.0)
    bundle = trainer.bundle("hang", {"max_steps": 100, "save_steps": 2}, changes)
    environment = {"PYTHONPATH": str(Path(tunewright.__file__).parents[1]), "OMP_NUM_THREADS": "1", "HANG_AFTER": "7"}
    command = [train_python, "-P", str(HANGING), "run", str(bundle)]
    done = subprocess.run(
        command, cwd=bundle / "work", env={**os.environ, **environment}, capture_output=True, text=True, timeout=240
    )
    assert done.returncode == ExitCode.PAUSED, done.stderr[-2000:]
    events = [json.loads(line) for line in (bundle / contract.EVENTS).read_text().splitlines()]
    (told,) = [event for event in events if event["kind"] == "paused"]
    assert told["reason"] == "STALLED_STEP"
    (tripped,) = [event for event in events if event["kind"] == "watchdog"]
    assert (tripped["signal"], tripped["policy"]) == ("stalled_step", "pause")
    assert (bundle / "work/checkpoints" / told["checkpoint"]).is_dir()
    assert "no step has ended for" in told["message"]
    assert "hanging" in done.stderr, "the log shows where the main thread stands"


def test_memory_above_the_limit_is_told(trainer: Any) -> None:
    low = trainer.run("memory", {"max_steps": 2}, watching(memory="stop", host_memory_share=0.001))
    assert low.code == ExitCode.FAILED
    assert low.reason == "MEMORY_LOW"
    assert {event["signal"] for event in low.of("watchdog")} == {"memory"}


def test_paused_by_a_person_it_goes_on_to_the_same_bytes(trainer: Any, sft: Any, wait_for: Callable[..., Any]) -> None:
    bundle = trainer.bundle("paused", {"save_steps": 2})
    events = bundle / contract.EVENTS
    process = trainer.start(bundle)
    wait_for(lambda: events.exists() and '"metric"' in events.read_text(), seconds=240)
    (bundle / contract.PAUSE).write_text('{"reason": "test"}')
    paused = trainer.finish(bundle, process)
    assert paused.code == ExitCode.PAUSED, paused.stderr[-2000:]
    (told,) = paused.of("paused")
    assert told["reason"] == "PAUSE_WANTED"
    (bundle / contract.PAUSE).unlink()
    resumed = trainer.finish(bundle, trainer.start(bundle))
    assert resumed.summary["steps"] == 6
    name = "adapter_model.safetensors"
    assert (resumed.outputs / name).read_bytes() == (sft.outputs / name).read_bytes()


def test_going_on_with_another_learning_rate(trainer: Any, sft: Any) -> None:
    """The checkpoint holds the old rate; what was changed counts from there on, also after another interruption."""
    continued = {
        "checkpoint_step": 4,
        "changed": {"learning_rate": {"from": 1e-2, "to": 1e-3}},
        "step_digest": "sha256:0",
        "checkpoint_digest": None,
        "run": "before",
        "by": "alice",
    }
    bundle = trainer.bundle("changed", {"save_steps": 2, "learning_rate": 1e-3, "continued": continued})
    checkpoints = bundle / "work" / "checkpoints"
    shutil.copytree(sft.bundle / "work" / "checkpoints" / "checkpoint-4", checkpoints / "checkpoint-4")
    trained = trainer.finish(bundle, trainer.start(bundle))
    assert trained.summary["steps"] == 6
    rates = {
        event["step"]: event["values"]["learning_rate"] for event in trained.of("metric") if "loss" in event["values"]
    }
    assert rates == {5: pytest.approx(1e-3), 6: pytest.approx(1e-3)}
