"""`bitwise` keeps its promise, and refuses to begin where it could not."""

from typing import Any

import pytest

from tunewright.runners.sdk import StepFailedError
from tunewright.runners.training.determinism import keep_promise, promise_broken
from tunewright.runners.training.settings import TrainSettings
from tunewright.spec.canonical import digest_of_tree

BITWISE = {
    "determinism": "bitwise",
    "tuner": {"type": "lora", "rank": 8, "alpha": 16, "dropout": 0.1, "target_modules": "all-linear"},
}


@pytest.mark.train
def test_two_runs_leave_the_same_digest(trainer: Any, nursery: Any) -> None:
    first, second = (nursery.run(trainer.bundle(f"bitwise-{number}", BITWISE)) for number in (1, 2))
    assert first.summary["loss_last"] == second.summary["loss_last"]
    assert digest_of_tree(first.outputs) == digest_of_tree(second.outputs)


def test_without_the_plans_environment_it_does_not_begin(parts: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = TrainSettings.from_parameters({**parts["parameters"], **BITWISE})
    monkeypatch.delenv("MKL_CBWR", raising=False)
    with pytest.raises(StepFailedError, match="MKL_CBWR"):
        keep_promise(settings)


def test_an_operation_without_an_order_is_named() -> None:
    error = RuntimeError("put_ does not have a deterministic implementation, but you set ...")
    broken = promise_broken(error)
    assert broken is not None
    assert broken.reason == "NOT_DETERMINISTIC"
    assert promise_broken(RuntimeError("something else")) is None
