"""Two processes learn what one learns: equal global batch, fp32, so losses and weights agree to rounding."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

import tunewright

pytestmark = pytest.mark.train

#: fp32 sums taken in another order: seen 0 to 3e-6 on the loss, where two optimizers differ (DeepSpeed's fused Adam).
LOSS_TOLERANCE = 2e-5
WEIGHT_TOLERANCE = 2e-4


@pytest.fixture(scope="module")
def operators(train_python: str) -> None:
    """DeepSpeed's compiled operators: a minute and a half once an environment, then nothing."""
    environment = {**os.environ, "PYTHONPATH": str(Path(tunewright.__file__).parents[1])}
    command = [train_python, "-P", "-m", "tunewright.runners.build_extensions"]
    subprocess.run(command, check=True, capture_output=True, env=environment, timeout=500)
    again = subprocess.run(command, check=True, capture_output=True, text=True, env=environment, timeout=500)
    assert "compiling" not in again.stderr, "what is built is not built again"


@pytest.fixture(scope="module")
def alone(trainer: Any, parts: Any) -> Any:
    return trainer.run("alone", parts["full"])


def deepspeed(stage: int, *, offload: bool = False) -> dict[str, Any]:
    zero: dict[str, Any] = {"stage": stage}
    content: dict[str, Any] = {
        "train_micro_batch_size_per_gpu": 4,
        "gradient_accumulation_steps": 1,
        "train_batch_size": 8,
        "gradient_clipping": 1.0,
        "zero_optimization": zero,
    }
    if stage == 3:
        zero["stage3_gather_16bit_weights_on_model_save"] = True
    if offload:
        zero["offload_optimizer"] = zero["offload_param"] = {"device": "cpu"}
        adam = {"lr": 1e-3, "betas": [0.9, 0.999], "eps": 1e-8, "weight_decay": 0.0}
        content["optimizer"] = {"type": "AdamW", "params": adam}
    return content


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


@pytest.mark.parametrize("strategy", ["ddp", "fsdp2"])
def test_torch_strategies_learn_the_same(trainer: Any, alone: Any, parts: Any, tensors_of: Any, strategy: str) -> None:
    together = trainer.run(strategy, parts["full"], divided(strategy), processes=2)
    assert_same_work(together, alone, tensors_of)


@pytest.mark.usefixtures("operators")
@pytest.mark.parametrize(("stage", "offload"), [(2, False), (3, True)], ids=["zero2", "zero3-offload"])
def test_deepspeed_learns_the_same(
    trainer: Any, alone: Any, parts: Any, tensors_of: Any, stage: int, offload: bool
) -> None:
    strategy = divided(f"zero{stage}", offload_optimizer="cpu" if offload else "none")
    together = trainer.run(
        f"zero{stage}", parts["full"], strategy, processes=2, deepspeed=deepspeed(stage, offload=offload)
    )
    assert_same_work(together, alone, tensors_of)


@pytest.mark.usefixtures("operators")
def test_a_plan_for_zero3_with_the_settings_of_zero2_is_refused(trainer: Any, parts: Any) -> None:
    other = trainer.run("other", parts["full"], divided("zero3"), processes=2, deepspeed=deepspeed(2))
    assert other.code != 0
    assert {event["reason"] for event in other.of("failure")} == {"SILENT_FALLBACK"}
    assert not other.losses, "nothing was trained"
