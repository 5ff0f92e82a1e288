"""Builders of resolved values (training steps, machines, catalogue models), and a world to compile whole specs in."""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tunewright.compiler.facts.accelerators import accelerator_model
from tunewright.compiler.facts.models import known_model
from tunewright.compiler.front import Compilation, compile_text
from tunewright.compiler.ir.facts import Accelerator, EnvironmentFacts, HardwareFacts, ModelFacts
from tunewright.compiler.ir.resolved import (
    ResolvedDeploy,
    ResolvedParallelism,
    ResolvedSupervision,
    ResolvedTrain,
    ResolvedTuner,
)
from tunewright.spec.diagnostics import DiagnosticSink
from tunewright.spec.source import SourceFile
from tunewright.spec.syntax import parse_node, plain_value

if (_HUBS := str(Path(__file__).parents[1] / "hub")) not in sys.path:
    sys.path.append(_HUBS)

from tiny_folder import write_json, write_model  # noqa: E402 - found only now

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
    "options": {"beta": 0.1, "loss_type": "sigmoid"},
    "weight_decay": 0.0,
    "max_grad_norm": 1.0,
    "optim": "adamw_torch",
    "kernels": "plain",
    "train_sampling_strategy": "random",
    "seed": 42,
    "determinism": "recorded",
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
        "system_prompt": None,
        "max_model_len": 8192,
        "max_new_tokens": 256,
        "tensor_parallel": 1,
        "gpu_memory_share": 0.9,
        "replicas": (1, 1),
        "canary_steps": (),
        "canary_hold_seconds": 0.0,
        "rollback_on": (),
        "p95_latency_seconds": None,
        "supervision": ResolvedSupervision(
            interval_seconds=10.0,
            timeout_seconds=5.0,
            failures=3,
            restarts=5,
            pause_seconds=1.0,
            stable_seconds=600.0,
            drain_seconds=30.0,
        ),
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


# The world that whole compilations live in: a folder of small data files and tiny model folders, and one machine.

WORLD = Path(__file__).parent / "world"

#: What rules about hardware say must not depend on where the tests run.
LAPTOP = HardwareFacts(cpu_cores=4, memory_bytes=64 * 2**30, disk_free_bytes=500 * 2**30)

ENVIRONMENTS = {
    name: EnvironmentFacts(name=name, digest="sha256:" + name[0].encode().hex() * 32, installed=True)
    for name in ("train", "harness", "megatron", "export-gptq", "serve-vllm", "serve-sglang", "serve-lmdeploy")
}


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sample spec, its data, and model folders whose weights are a few kilobytes."""
    folder = tmp_path_factory.mktemp("world")
    shutil.copytree(WORLD, folder, dirs_exist_ok=True)
    quantized = {"quantization_config": {"quant_method": "gptq", "bits": 4}}
    custom = {"auto_map": {"AutoModelForCausalLM": "modeling_custom.CustomForCausalLM"}}
    write_model(folder / "plain-model")
    write_model(folder / "chat-model", template=True)
    write_model(folder / "quantized-model", template=True, configuration=quantized)
    write_model(folder / "custom-model", template=True, configuration=custom)
    write_model(folder / "weightless-model", template=True, weights=False)
    (folder / "questions").mkdir()
    (folder / "questions" / "mmlu.jsonl").write_text("{}\n", encoding="utf-8")
    write_model(folder / "encoder-model", configuration={"model_type": "bert"})
    write_model(folder / "falcon-model", template=True, configuration={"model_type": "falcon"})
    write_model(folder / "recurrent-model", template=True, configuration={"layer_types": ["linear_attention"]})
    write_model(folder / "restless-model", template=True)
    plain = {"chat_template": "{{ messages }}", "tokenizer_class": "PreTrainedTokenizerFast"}
    write_json(folder / "restless-model" / "tokenizer_config.json", plain)
    write_model(folder / "harmful-model", template=True)
    harmful = "{% for turn in messages %}\n{{ 'a' * 10**10 }}{% endfor %}"
    settings = json.loads((folder / "harmful-model" / "tokenizer_config.json").read_text())
    write_json(folder / "harmful-model" / "tokenizer_config.json", {**settings, "chat_template": harmful})
    write_model(folder / "endless-model", template=True, configuration={"eos_token_id": 7})
    endless = {
        "chat_template": "{{ messages }}<|eot_id|>",
        "added_tokens_decoder": {"7": {"content": "<|end_of_text|>"}},
    }
    write_json(folder / "endless-model" / "tokenizer_config.json", endless)
    return folder


@pytest.fixture(scope="session")
def sample() -> str:
    """The text of the sample spec."""
    return (WORLD / "sample.yaml").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def compile_spec(world: Path) -> Callable[..., Compilation]:
    """Compile a text as if it stood in the world's folder, for the laptop unless the spec states a machine."""

    def compile_spec(text: str, **options: Any) -> Compilation:
        settings: dict[str, Any] = {"hardware": LAPTOP, "environments": ENVIRONMENTS, "variables": {}}
        settings |= {"name": "life.yaml", "base_directory": world, "sinks_known": frozenset({"mlops", "oncall"})}
        return compile_text(text, **{**settings, **options})

    return compile_spec


@pytest.fixture(scope="session")
def compile_overlay(compile_spec: Callable[..., Compilation], sample: str) -> Callable[..., Compilation]:
    """Compile the sample spec with YAML laid over it as a merge patch (RFC 7396): `null` takes a key out."""

    def compile_overlay(patch: str, **options: Any) -> Compilation:
        merged = merge_patch(plain_yaml(sample), plain_yaml(patch))
        return compile_spec(yaml.safe_dump(merged, sort_keys=False, width=1000), **options)

    return compile_overlay


def plain_yaml(text: str) -> Any:
    """Return YAML 1.2 as plain values."""
    sink = DiagnosticSink()
    node = parse_node(SourceFile("overlay", text), sink)
    assert node is not None, [item.message for item in sink]
    return json.loads(json.dumps(plain_value(node)))


def merge_patch(below: Any, above: Any) -> Any:
    """Return `below` with `above` laid over it; None takes a key out."""
    if not isinstance(above, dict):
        return above
    result = dict(below) if isinstance(below, dict) else {}
    for key, value in above.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge_patch(result.get(key), value)
    return result
