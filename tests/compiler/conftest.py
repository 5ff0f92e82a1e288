"""Builders of resolved values: a plain training step, machines, catalogue models."""

from collections.abc import Callable
from typing import Any

import pytest

from tunewright.compiler.facts.accelerators import accelerator_model
from tunewright.compiler.facts.models import known_model
from tunewright.compiler.ir.facts import Accelerator, HardwareFacts, ModelFacts
from tunewright.compiler.ir.resolved import ResolvedDeploy, ResolvedParallelism, ResolvedTrain, ResolvedTuner

LORA = ResolvedTuner(type="lora", rank=16, alpha=32.0, target_modules=("all-linear",))
FULL = ResolvedTuner(type="full")

_TRAIN: dict[str, Any] = {
    "method": "sft",
    "from_step": None,
    "data": ("rows",),
    "tuner": LORA,
    "learning_rate": 1e-4,
    "lr_scheduler_type": "linear",
    "warmup_ratio": 0.0,
    "num_train_epochs": 3.0,
    "max_steps": None,
    "per_device_train_batch_size": 4,
    "gradient_accumulation_steps": 4,
    "max_length": 2048,
    "packing": False,
    "loss_on": "completion",
    "beta": 0.1,
    "loss_type": "sigmoid",
    "weight_decay": 0.0,
    "max_grad_norm": 1.0,
    "optim": "adamw_torch",
    "seed": 42,
    "precision": "bf16",
    "gradient_checkpointing": True,
    "attention": "sdpa",
    "system_prompt": None,
    "evaluation_share": 0.0,
    "logging_steps": 1,
    "save_steps": 100,
    "save_total_limit": 2,
    "device": "cuda",
    "threads": 8,
}


def make_train(strategy: str = "single", processes: int = 1, **changes: Any) -> ResolvedTrain:
    """Return a training step; `layout` in `changes` holds further fields of its parallelism."""
    layout = changes.pop("layout", {})
    parallelism = ResolvedParallelism(strategy=strategy, processes=processes, **layout)
    return ResolvedTrain(**{**_TRAIN, "parallelism": parallelism, **changes})


def make_machine(name: str, count: int = 1, *, nodes: int = 1, host_gib: int = 1024) -> HardwareFacts:
    """Return a machine with accelerators of the table, or with none (`cpu`)."""
    known = accelerator_model(name)
    accelerator = Accelerator(name=name, memory_bytes=known.memory_bytes, count=count) if known else None
    return HardwareFacts(cpu_cores=64, memory_bytes=host_gib * 2**30, accelerator=accelerator, nodes=nodes)


def make_model(hub_id: str) -> ModelFacts:
    """Return a model of the catalogue."""
    model = known_model(hub_id, f"hf://{hub_id}")
    assert model is not None, hub_id
    return model


def make_deploy(**changes: Any) -> ResolvedDeploy:
    """Return a deployment on vLLM."""
    values: dict[str, Any] = {
        "model": "pack",
        "engine": "vllm",
        "host": "127.0.0.1",
        "port": 8000,
        "served_model_name": "assistant",
        "max_model_len": 8192,
        "max_new_tokens": 256,
        "tensor_parallel": 1,
        "gpu_memory_share": 0.9,
        "replicas": (1, 1),
        "canary_steps": (),
        "canary_hold_seconds": 0.0,
        "rollback_on": (),
        "p95_latency_seconds": None,
        "api_key": None,
        "smoke_prompt": None,
        "precision": "bf16",
        "device": "cuda",
        "threads": 8,
    }
    return ResolvedDeploy(**{**values, **changes})


@pytest.fixture(scope="session")
def train() -> Callable[..., ResolvedTrain]:
    """The builder of training steps."""
    return make_train


@pytest.fixture(scope="session")
def machine() -> Callable[..., HardwareFacts]:
    """The builder of machines."""
    return make_machine


@pytest.fixture(scope="session")
def model() -> Callable[[str], ModelFacts]:
    """The builder of models."""
    return make_model


@pytest.fixture(scope="session")
def deploy() -> Callable[..., ResolvedDeploy]:
    """The builder of deployments."""
    return make_deploy


@pytest.fixture(scope="session")
def full() -> ResolvedTuner:
    """All weights learn."""
    return FULL
