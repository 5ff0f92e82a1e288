"""Two processes learn what one learns: equal global batch, fp32, so losses and weights agree to rounding."""

import subprocess
from ctypes.util import find_library
from pathlib import Path
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


_WIDEN = """
import shutil, sys, torch
from transformers import AutoConfig, AutoModelForCausalLM
shutil.copytree(sys.argv[1], sys.argv[2])
torch.manual_seed(0)
config = AutoConfig.from_pretrained(sys.argv[1], hidden_size=768, intermediate_size=1024)
AutoModelForCausalLM.from_config(config).save_pretrained(sys.argv[2])
"""


@pytest.fixture(scope="module")
def wide(trainer: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model whose weights are worth a disk: DeepSpeed leaves what is below a megabyte in memory."""
    folder = tmp_path_factory.mktemp("wide") / "model"
    command = [trainer.python, "-P", "-c", _WIDEN, str(trainer.model), str(folder)]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    return folder


@pytest.mark.matrix
@pytest.mark.skipif(find_library("aio") is None, reason="DeepSpeed's disk access needs libaio (libaio-dev)")
@pytest.mark.usefixtures("operators")
@pytest.mark.parametrize("parameters", ["none", "nvme"])
def test_what_lies_on_a_disk_learns_the_same(
    trainer: Any, nursery: Any, wide: Path, parts: Any, tensors_of: Any, tmp_path: Path, parameters: str
) -> None:
    whole = nursery.run(trainer.bundle(f"wide-{parameters}", parts["full"], model=wide))
    settings = deepspeed(3, offload=True)
    settings["aio"] = {"block_size": 2**20, "queue_depth": 8, "single_submit": False, "overlap_events": True}
    disk = {"device": "nvme", "nvme_path": str(tmp_path), "pin_memory": False}
    zero = settings["zero_optimization"]
    zero["offload_optimizer"] = {**disk, "buffer_count": 4}
    zero["sub_group_size"] = 10**8
    if parameters == "nvme":
        zero["offload_param"] = {**disk, "buffer_count": 5, "buffer_size": 10**7, "max_in_cpu": 0}
        zero |= {"stage3_max_live_parameters": 0, "stage3_max_reuse_distance": 0, "stage3_prefetch_bucket_size": 0}
    strategy = divided("zero3", offload_optimizer="nvme", offload_parameters=parameters)
    bundle = trainer.bundle(f"disk-{parameters}", parts["full"], strategy, deepspeed=settings, model=wide)
    assert_same_work(nursery.run(bundle, processes=2), whole, tensors_of)
    assert any(path.is_file() for path in tmp_path.rglob("*.swp")), "nothing was written to the disk"


@pytest.mark.usefixtures("operators")
def test_a_plan_for_zero3_with_the_settings_of_zero2_is_refused(trainer: Any, nursery: Any, parts: Any) -> None:
    bundle = trainer.bundle("other", parts["full"], divided("zero3"), deepspeed=deepspeed(2))
    other = nursery.run(bundle, processes=2)
    assert other.code != 0
    assert {event["reason"] for event in other.of("failure")} == {"SILENT_FALLBACK"}
    assert not other.losses, "nothing was trained"


def test_shards_in_two_copies_learn_the_same(
    trainer: Any, nursery: Any, alone: Any, parts: Any, tensors_of: Any
) -> None:
    layout = {"parallelism": {"strategy": "fsdp2", "processes": 4, "data_parallel_replicate": 2}}
    bundle = trainer.bundle("hybrid", parts["full"], layout, {"per_device_train_batch_size": 2})
    assert_same_work(nursery.run(bundle, processes=4), alone, tensors_of)


@pytest.mark.usefixtures("operators")
def test_two_processes_share_each_sequence(trainer: Any, nursery: Any, parts: Any, tensors_of: Any) -> None:
    """Both read the same eight rows: had each taken rows of its own, the losses would be others."""
    plain = {"attention": "sdpa", "kernels": "plain"}
    layout = {"parallelism": {"strategy": "zero3", "processes": 2, "context_parallel": 2}}
    settings = {**deepspeed(3, rows=8), "sequence_parallel_size": 2}
    del settings["train_batch_size"]
    handler = {"sp_seq_length_is_variable": True, "sp_attn_implementation": "sdpa"}
    groups = {"parallelism_config": {"sp_size": 2, "sp_backend": "deepspeed", "sp_handler": handler}}
    whole = nursery.run(trainer.bundle("whole-sequences", parts["full"], plain))
    bundle = trainer.bundle("shared-sequences", parts["full"], plain, layout, deepspeed=settings, accelerate=groups)
    assert_same_work(nursery.run(bundle, processes=2), whole, tensors_of)
