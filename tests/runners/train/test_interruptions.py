"""Killed, cancelled, out of disk, not a number: what was done is kept, what is broken is never sealed."""

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tunewright.runners import contract

pytestmark = pytest.mark.train


def events(bundle: Path, kind: str) -> list[dict[str, Any]]:
    path = bundle / contract.EVENTS
    lines = path.read_text().splitlines() if path.exists() else []
    return [event for event in map(json.loads, lines) if event["kind"] == kind]


def test_killed_after_a_checkpoint_it_goes_on_to_the_same_bytes(
    trainer: Any, sft: Any, wait_for: Callable[..., Any]
) -> None:
    bundle = trainer.bundle("killed", {"save_steps": 2})
    process = trainer.start(bundle)
    wait_for(lambda: events(bundle, "checkpoint"), seconds=240)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert not any((bundle / contract.OUTPUTS).iterdir())
    resumed = trainer.finish(bundle, trainer.start(bundle))
    assert resumed.summary["steps"] == 6
    assert resumed.summary["tokens"] == sft.summary["tokens"]
    assert any(event["name"].startswith("going on from checkpoint-") for event in resumed.of("phase"))
    for name in ("adapter_model.safetensors", "adapter_config.json", "tunewright.json"):
        ours, theirs = (resumed.outputs / name).read_bytes(), (sft.outputs / name).read_bytes()
        if name == "tunewright.json":
            assert json.loads(ours)["training"] == json.loads(theirs)["training"]
        else:
            assert ours == theirs, name


def test_cancelled_it_stops_between_steps_and_leaves_no_artifact(trainer: Any, wait_for: Callable[..., Any]) -> None:
    bundle = trainer.bundle("cancelled", {"max_steps": 100_000, "num_train_epochs": 1})
    process = trainer.start(bundle)
    wait_for(lambda: events(bundle, "metric"), seconds=240)
    (bundle / contract.CANCEL).write_text('{"mode": "graceful", "reason": "test"}')
    stopped = trainer.finish(bundle, process)
    assert stopped.code == contract.ExitCode.CANCELLED
    assert not stopped.of("failure")
    assert not any(stopped.outputs.iterdir())


def test_a_loss_that_is_not_a_number_stops_at_once(trainer: Any, parts: Any) -> None:
    changes = {"learning_rate": 1e9, "max_grad_norm": 0.0, "save_steps": 1, "max_steps": 50}
    broken = trainer.run("nan", parts["full"], changes)
    assert broken.code == contract.ExitCode.FAILED
    assert broken.reason == "NAN_LOSS"
    assert [event["signal"] for event in broken.of("watchdog")] == ["not_finite"]
    assert len(broken.losses) < 5
    assert (broken.bundle / "work/checkpoints/checkpoint-1").is_dir(), "the last good checkpoint is kept"
    assert not any(broken.outputs.iterdir())


def test_a_full_disk_is_named_and_leaves_nothing_half(trainer: Any, parts: Any) -> None:
    """A limit on the size of a file stands for the disk: the write of the model's weights is refused midway."""
    limit = (
        "import os, resource, sys\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))\n"
        "os.execv(sys.argv[1], sys.argv[1:])"
    )
    bundle = trainer.bundle("disk", parts["full"], {"save_steps": 2})
    full = trainer.finish(bundle, trainer.start(bundle, limit=(sys.executable, "-P", "-c", limit)))
    assert full.code == contract.ExitCode.FAILED
    assert full.reason == "DISK_FULL"
    assert not list((full.bundle / "work/checkpoints").glob("*/*"))
    assert not any(full.outputs.iterdir())


@pytest.mark.parametrize(
    ("changes", "reason", "code"),
    [
        ({"max_length": 8}, "ROWS_TOO_LONG", contract.ExitCode.FAILED),
        (
            {"tuner": {"type": "lora", "rank": 4, "alpha": 8, "dropout": 0, "target_modules": ["c_attn"]}},
            "TARGET_MODULE_MISSING",
            contract.ExitCode.IMPOSSIBLE,
        ),
        (
            {"parallelism": {"strategy": "ddp", "processes": 2}},
            "WRONG_PROCESS_COUNT",
            contract.ExitCode.IMPOSSIBLE,
        ),
    ],
    ids=["every-row-too-long", "no-such-module", "one-process-of-two"],
)
def test_mistakes_seen_only_here_say_what_to_change(trainer: Any, changes: Any, reason: str, code: int) -> None:
    failed = trainer.run(reason.lower(), changes)
    assert failed.code == code
    assert failed.reason == reason
    assert "Traceback" not in failed.stderr


def test_a_row_that_the_chat_template_refuses_is_named_by_line(trainer: Any, nursery: Any, tmp_path: Path) -> None:
    model = shutil.copytree(trainer.model, tmp_path / "model")
    template = model / "chat_template.jinja"
    refusal = "{% if 'number 13' in messages[0]['content'] %}{{ raise_exception('thirteen is unlucky') }}{% endif %}"
    template.write_text(refusal + template.read_text())
    bundle = trainer.bundle("refused")
    step = json.loads((bundle / contract.STEP).read_text())
    step["inputs"]["model"]["path"] = str(model)
    (bundle / contract.STEP).write_text(json.dumps(step))
    refused = nursery.run(bundle)
    assert refused.reason == "DATA_INVALID"
    assert "rows.jsonl:14: " in refused.of("failure")[0]["message"]
    assert "thirteen is unlucky" in refused.of("failure")[0]["message"]
