"""Killed at any step, a training goes on to the very bytes that it would have come to without the kill."""

import json
import os
import random
import shutil
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from dividing.cells import deepspeed

from tunewright.runners import contract

pytestmark = pytest.mark.train

#: Dropout, accumulation, two epochs, an evaluation at the end of each: whatever could go astray is there.
#: 58 of the 64 rows are learnt from, in 8 steps an epoch: checkpoint-8 lies exactly before an evaluation.
THROUGH = {
    "tuner": {"type": "lora", "rank": 8, "alpha": 16, "dropout": 0.1, "target_modules": "all-linear"},
    "per_device_train_batch_size": 4,
    "gradient_accumulation_steps": 2,
    "lr_scheduler_type": "cosine",
    "evaluation_share": 0.1,
    "max_steps": 12,
    "num_train_epochs": 4,
    "save_steps": 4,
}


def zero(stage: int) -> dict[str, Any]:
    return {**deepspeed(stage), "gradient_accumulation_steps": 2, "train_batch_size": 16}


@dataclass(frozen=True)
class Way:
    """One way to train that must be able to go on."""

    changes: tuple[dict[str, Any], ...] = ()
    processes: int = 1
    files: tuple[tuple[str, dict[str, Any]], ...] = ()


def divided(strategy: str) -> dict[str, Any]:
    return {"parallelism": {"strategy": strategy, "processes": 2}, "max_steps": 6, "save_steps": 2}


FULL = {"tuner": {"type": "full"}, "learning_rate": 1e-3}
PAIRS = {"data": {"rows": {"format": "preference"}}, "method": "dpo", "options": {"beta": 0.1}, "max_steps": 6}
VECTORS = {
    "data": {"rows": {"format": "anchor_positive"}},
    "method": "embed",
    "options": {"pooling": "mean", "temperature": 0.05},
    "max_steps": 6,
    "save_steps": 2,
}
WAYS = {
    "single": Way(),
    "dpo": Way(changes=(PAIRS, {"save_steps": 2})),
    "embed": Way(changes=(VECTORS,)),
    "ddp": Way(changes=(divided("ddp"),), processes=2),
    "zero2": Way(changes=(divided("zero2"),), processes=2, files=(("deepspeed", zero(2)),)),
    "zero3": Way(changes=(divided("zero3"), {"kernels": "plain"}), processes=2, files=(("deepspeed", zero(3)),)),
    "fsdp2": Way(changes=(divided("fsdp2"), {"kernels": "plain"}), processes=2),
    "fsdp2-full": Way(changes=(divided("fsdp2"), FULL), processes=2),
}


def weights(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.safetensors"))}


def steps_done(bundle: Path) -> int:
    path = bundle / contract.EVENTS
    lines = path.read_text().splitlines() if path.exists() else []
    return max((json.loads(line).get("step", 0) for line in lines if '"kind": "metric"' in line), default=0)


@pytest.fixture(scope="module")
def single(trainer: Any, nursery: Any) -> Any:
    """The uninterrupted run whose checkpoints the tests below damage, one copy each."""
    return nursery.run(trainer.bundle("single-through", THROUGH))


@pytest.fixture
def copied(trainer: Any, single: Any, request: pytest.FixtureRequest) -> Callable[..., Path]:
    """A function that gives a new bundle with the checkpoints of the uninterrupted run."""

    def copy(*changes: dict[str, Any]) -> Path:
        bundle: Path = trainer.bundle(f"copy-{request.node.name}", THROUGH, *changes)
        shutil.rmtree(bundle / contract.WORK)
        shutil.copytree(single.bundle / contract.WORK, bundle / contract.WORK)
        return bundle

    return copy


@pytest.mark.parametrize("way", WAYS)
def test_killed_at_a_random_step_it_comes_to_the_same_bytes(
    trainer: Any, nursery: Any, single: Any, wait_for: Callable[..., Any], way: str
) -> None:
    changes, processes, files = WAYS[way].changes, WAYS[way].processes, dict(WAYS[way].files)
    through = single
    if way != "single":
        through = nursery.run(trainer.bundle(f"{way}-through", THROUGH, *changes, **files), processes=processes)
    total, every = through.summary["steps"], through.of("checkpoint")[0]["step"]
    at = random.SystemRandom().randint(every + 1, total - 1)
    bundle = trainer.bundle(f"{way}-killed", THROUGH, *changes, **files)
    pids = nursery.start(bundle, processes=processes)
    wait_for(lambda: steps_done(bundle) >= at, seconds=120)
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    assert nursery.finish(bundle, pids).code != 0
    resumed = nursery.run(bundle, processes=processes)
    assert resumed.summary["tokens"] == through.summary["tokens"]
    assert any(event["name"].startswith("going on from checkpoint-") for event in resumed.of("phase"))
    assert weights(resumed.outputs), way
    assert weights(resumed.outputs) == weights(through.outputs), f"killed at step {at}"


def test_a_checkpoint_says_what_it_is_and_holds_no_pickle_of_ours(single: Any) -> None:
    (newest,) = single.bundle.glob("work/checkpoints/checkpoint-12")
    manifest = json.loads((newest / "checkpoint.json").read_text())
    assert (manifest["step"], manifest["origin"]["seed"], manifest["origin"]["world_size"]) == (12, 7, 1)
    assert set(manifest["files"]) == {path.name for path in newest.iterdir()} - {"checkpoint.json"}
    assert manifest["tokens"] == single.summary["tokens"]
    assert not list(newest.glob("*.bin"))


@pytest.mark.parametrize("damage", ["truncated", "one-bit", "no-manifest"])
def test_a_broken_checkpoint_is_skipped_for_the_one_before(
    nursery: Any, single: Any, copied: Callable[..., Path], damage: str
) -> None:
    """checkpoint-8 lies before an evaluation that the uninterrupted run went through and this one does not."""
    bundle = copied()
    newest = bundle / "work/checkpoints/checkpoint-12"
    optimizer = newest / "optimizer.pt"
    match damage:
        case "truncated":
            optimizer.write_bytes(optimizer.read_bytes()[:-1000])
        case "one-bit":
            content = bytearray(optimizer.read_bytes())
            content[len(content) // 2] ^= 1
            optimizer.write_bytes(content)
        case _:
            (newest / "checkpoint.json").unlink()
    resumed = nursery.run(bundle)
    assert any(event["name"] == "going on from checkpoint-8" for event in resumed.of("phase"))
    (warning,) = resumed.of("warning")
    assert warning["code"] == "checkpoint-skipped"
    assert "checkpoint-12" in warning["message"]
    assert weights(resumed.outputs) == weights(single.outputs)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"seed": 8}, "`seed` 7 -> 8"),
        ({"learning_rate": 5e-3}, "`learning_rate` 0.01 -> 0.005"),
        ({"data": {"rows": {"format": "messages", "limit": 60}}}, "`data.rows.limit` (none) -> 60"),
    ],
    ids=["seed", "parameter", "rows"],
)
def test_another_training_does_not_jump_into_a_checkpoint(
    nursery: Any, copied: Callable[..., Path], changes: dict[str, Any], says: str
) -> None:
    refused = nursery.run(copied(changes))
    assert refused.code == contract.ExitCode.FAILED
    assert refused.reason == "CHECKPOINT_OF_OTHER_TRAINING"
    assert says in refused.of("failure")[0]["message"]
    assert not refused.losses


def test_other_rows_in_the_same_file_do_not_jump_in_either(nursery: Any, copied: Callable[..., Path]) -> None:
    bundle = copied()
    rows = bundle / contract.INPUTS / "rows.jsonl"
    rows.write_text(rows.read_text().replace("high", "low", 1))
    refused = nursery.run(bundle)
    assert refused.reason == "CHECKPOINT_OF_OTHER_TRAINING"
    assert "`data.rows` sha256:" in refused.of("failure")[0]["message"]


def test_a_full_disk_leaves_the_checkpoint_before_as_it_was(nursery: Any, copied: Callable[..., Path]) -> None:
    bundle = copied()
    checkpoints = bundle / "work/checkpoints"
    shutil.rmtree(checkpoints / "checkpoint-12")
    before = {path: path.read_bytes() for path in (checkpoints / "checkpoint-8").iterdir()}
    full = nursery.run(bundle, largest_file=100_000)
    assert full.reason == "DISK_FULL"
    assert {path: path.read_bytes() for path in (checkpoints / "checkpoint-8").iterdir()} == before
    assert [path.name for path in checkpoints.glob("*/")] == ["checkpoint-8"]
    assert not any(full.outputs.iterdir())
