"""Two processes learn what one learns: equal global batch, fp32, so losses and weights agree to rounding."""

from typing import Any

import pytest
from dividing.cells import deepspeed

pytestmark = pytest.mark.train

#: fp32 sums taken in another order: seen 0 to 3e-6 on the loss, where two optimizers differ (DeepSpeed's fused Adam).
LOSS_TOLERANCE = 2e-5
WEIGHT_TOLERANCE = 2e-4


@pytest.fixture(scope="module")
def alone(trainer: Any, nursery: Any, parts: Any) -> Any:
    return nursery.run(trainer.bundle("alone", parts["full"]))


def divided(strategy: str, **more: Any) -> dict[str, Any]:
    return {
        "parallelism": {"strategy": strategy, "processes": 2, **more},
        "per_device_train_batch_size": 4,
    }


def assert_same_work(together: Any, alone: Any, difference: Any) -> None:
    assert together.summary["steps"] == alone.summary["steps"]
    assert together.losses == pytest.approx(alone.losses, abs=LOSS_TOLERANCE)
    assert together.summary["tokens"] == alone.summary["tokens"]
    assert difference(together.outputs, alone.outputs) < WEIGHT_TOLERANCE


def test_processes_of_the_launcher_learn_the_same(trainer: Any, alone: Any, parts: Any, tensors_of: Any) -> None:
    together = trainer.run("ddp", parts["full"], divided("ddp"), processes=2)
    assert_same_work(together, alone, tensors_of)


def test_fsdp2_learns_the_same(trainer: Any, nursery: Any, alone: Any, parts: Any, tensors_of: Any) -> None:
    together = nursery.run(trainer.bundle("fsdp2", parts["full"], divided("fsdp2")), processes=2)
    assert_same_work(together, alone, tensors_of)


@pytest.mark.usefixtures("operators")
@pytest.mark.parametrize(("stage", "offload"), [(2, False), (3, True)], ids=["zero2", "zero3-offload"])
def test_deepspeed_learns_the_same(
    trainer: Any, nursery: Any, alone: Any, parts: Any, tensors_of: Any, stage: int, offload: bool
) -> None:
    strategy = divided(f"zero{stage}", offload_optimizer="cpu" if offload else "none")
    files = {"deepspeed": deepspeed(stage, offload=offload)}
    together = nursery.run(trainer.bundle(f"zero{stage}", parts["full"], strategy, **files), processes=2)
    assert_same_work(together, alone, tensors_of)


@pytest.mark.usefixtures("operators")
def test_a_plan_for_zero3_with_the_settings_of_zero2_is_refused(trainer: Any, nursery: Any, parts: Any) -> None:
    bundle = trainer.bundle("other", parts["full"], divided("zero3"), deepspeed=deepspeed(2))
    other = nursery.run(bundle, processes=2)
    assert other.code != 0
    assert {event["reason"] for event in other.of("failure")} == {"SILENT_FALLBACK"}
    assert not other.losses, "nothing was trained"
