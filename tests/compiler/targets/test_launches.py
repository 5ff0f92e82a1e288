"""The exact command for 1, 8 and 64 accelerators, and settings that the engines' own classes accept."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

GOLDEN = Path(__file__).parents[2] / "golden" / "launches.txt"

#: Megatron's and DeepSpeed's own classes read what we write; stdin: {"name": [world, {"file": content}]}.
ACCEPT = """
import json, os, sys, types, warnings
warnings.simplefilter("ignore")
os.environ["DS_ACCELERATOR"] = "cpu"
import torch
from megatron.core.optimizer import OptimizerConfig
from megatron.core.transformer.transformer_config import TransformerConfig
from accelerate.parallelism_config import ParallelismConfig
from accelerate.utils import DeepSpeedSequenceParallelConfig
from deepspeed.runtime import config as deepspeed
from transformers import TrainingArguments
seen = []
for name, (world, files) in json.load(sys.stdin).items():
    for file, content in files.items():
        if file == "megatron.json":
            made = TransformerConfig(**content["model"], pipeline_dtype=torch.bfloat16)
            assert made.num_layers == content["model"]["num_layers"]
            OptimizerConfig(**content["optimizer"])
        elif file == "accelerate.json":
            groups = content.get("parallelism_config", {"dp_shard_size": world})
            if handler := groups.get("sp_handler"):
                groups["sp_handler"] = DeepSpeedSequenceParallelConfig(**handler)
            made = ParallelismConfig(**groups)
            assert made.sp_enabled or made.total_size == world, (name, made)
            if "fsdp_config" in content:
                made = TrainingArguments(output_dir="unused", use_cpu=True, fsdp=True, **content)
                assert made.fsdp_config["version"] == 2, made.fsdp_config
        else:
            deepspeed.dist = types.SimpleNamespace(get_rank=lambda: 0, get_world_size=lambda *_: world)
            made = deepspeed.DeepSpeedConfig(content)
            assert made.zero_config.stage == content["zero_optimization"]["stage"]
            together = content["train_micro_batch_size_per_gpu"] * content["gradient_accumulation_steps"] * world
            assert made.train_batch_size == together // content.get("sequence_parallel_size", 1)
            for part in ("offload_param", "offload_optimizer"):
                wanted = content["zero_optimization"].get(part, {}).get("nvme_path")
                assert wanted is None or str(getattr(made.zero_config, part).nvme_path) == wanted
        seen.append(f"{name}/{file}")
print(json.dumps(seen))
"""


LLAMA = "hf://meta-llama/Llama-3.1-8B-Instruct@0e9e39f249a16976918f6564b8830bc894c89659"
MIXTURE = "hf://Qwen/Qwen3-30B-A3B@ae659febe817e4b3ebd7355f47792725801204c9"
FULL, LORA = {"tuner": "full"}, {"tuner": "lora"}
LONG = FULL | {"max_length": 65536, "attention": "sdpa", "packing": False}

#: name -> (model, machines, accelerators a machine, `parallelism`, further keys of `train`)
LAUNCHES: dict[str, tuple[str, int, int, str, dict[str, Any]]] = {
    "megatron on 1": (LLAMA, 1, 1, "megatron", LORA),
    "megatron on 8": (LLAMA, 1, 8, "megatron tensor 4 pipeline 2 sequence", FULL),
    "megatron on 64": (
        LLAMA, 8, 8, "megatron tensor 8 pipeline 4 virtual_pipeline 2 sequence",
        FULL | {"gradient_accumulation_steps": 8},
    ),
    "megatron with long rows on 64": (
        LLAMA, 8, 8, "megatron tensor 8 context 4 sequence", FULL | {"max_length": 65536},
    ),
    "megatron with experts on 64": (MIXTURE, 8, 8, "megatron pipeline 4 expert 8", FULL),
    "zero1 on 8": (LLAMA, 1, 8, "zero1", LORA),
    "zero2 with offload on 8": (LLAMA, 1, 8, "zero2 offload_optimizer", FULL),
    "zero3 on 1": (LLAMA, 1, 1, "zero3", LORA),
    "zero3 on 8": (LLAMA, 1, 8, "zero3", FULL),
    "zero3 with offload on 8": (LLAMA, 1, 8, "zero3 offload_optimizer offload_parameters", FULL),
    "zero3 on 64": (LLAMA, 8, 8, "zero3", FULL),
    "zero3 with a disk on 1": (LLAMA, 1, 1, "zero3 offload_optimizer nvme offload_parameters nvme", FULL),
    "zero3 with a disk on 8": (LLAMA, 1, 8, "zero3 offload_optimizer nvme offload_parameters nvme", FULL),
    "zero3 with a disk on 64": (LLAMA, 8, 8, "zero3 offload_optimizer nvme offload_parameters nvme", FULL),
    "zero3 with long rows on 8": (LLAMA, 1, 8, "zero3 context 8", LONG),
    "zero3 with long rows on 64": (LLAMA, 8, 8, "zero3 context 8", LONG),
    "fsdp2 on 1": (LLAMA, 1, 1, "fsdp2", LORA),
    "fsdp2 on 8": (LLAMA, 1, 8, "fsdp2", FULL),
    "fsdp2 with copies on 8": (LLAMA, 1, 8, "fsdp2 replicate 2", FULL),
    "fsdp2 with copies on 64": (LLAMA, 8, 8, "fsdp2 replicate 8", FULL),
    "fsdp2 with long rows on 8": (LLAMA, 1, 8, "fsdp2 context 4", LONG),
    "fsdp2 with long rows on 64": (LLAMA, 8, 8, "fsdp2 replicate 8 context 4", LONG),
    "fsdp2 on 64": (LLAMA, 8, 8, "fsdp2", FULL),
}  # fmt: skip


def parallelism_of(words: str) -> dict[str, Any]:
    strategy, *rest = words.split()
    found: dict[str, Any] = {"strategy": strategy}
    for word, after in zip(rest, (*rest[1:], ""), strict=False):
        if word.startswith("offload"):
            found[word] = "nvme" if after == "nvme" else "cpu"
        elif word == "nvme":
            found["nvme_path"] = "/scratch"
        elif word == "replicate":
            found["data_parallel_replicate"] = int(after)
        elif not word.isdigit():
            found[f"{word}_parallel"] = int(after) if after.isdigit() else True
    return found


def step_of(name: str, compile_spec: Callable[..., Any]) -> Any:
    model, nodes, count, words, train = LAUNCHES[name]
    body = {"method": "sft", "data": "rows", "max_length": 2048, "parallelism": parallelism_of(words), **train}
    spec = {
        "api_version": "tunewright/v1",
        "name": "launches",
        "base": {"model": model},
        "data": {"rows": {"source": "file:rows.jsonl"}},
        "steps": {"sft": {"train": body}},
        "resources": {"accelerator": "h100-80gb", "count": count, "nodes": nodes},
    }
    compiled = compile_spec(yaml.safe_dump(spec))
    assert compiled.plan is not None, [item.message for item in compiled.diagnostics]
    return compiled.plan.step("sft")


def test_every_command_is_the_golden_one(compile_spec: Callable[..., Any], update_golden: bool) -> None:
    text = ""
    for name in LAUNCHES:
        step = step_of(name, compile_spec)
        command = step.launch.command
        text += f"# {name}: {step.summary}\n{' '.join(command.argv)}\n"
        for process in step.launch.prepare:
            text += f"  first: {' '.join(process.argv)}\n"
        text += "".join(
            f"  {key}={value}\n" for key, value in sorted(command.env.items()) if key.startswith(("CUDA", "NC"))
        )
        text += f"  not executable: {step.not_executable}\n" if step.not_executable else ""
    if update_golden:
        GOLDEN.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8"), "see `make golden`"


@pytest.mark.train
def test_engines_accept_what_is_written(compile_spec: Callable[..., Any], train_python: str) -> None:
    written = {}
    for name, (_, nodes, count, *_) in LAUNCHES.items():
        files = {file: json.loads(text) for file, text in step_of(name, compile_spec).launch.files.items()}
        written |= {name: [nodes * count, files]} if files else {}
    answer = subprocess.run(
        [train_python, "-P", "-c", ACCEPT], input=json.dumps(written), capture_output=True, text=True, timeout=200
    )

    assert answer.returncode == 0, answer.stderr[-3000:]
    seen = json.loads(answer.stdout.splitlines()[-1])
    assert seen == [f"{name}/{file}" for name, (_, files) in written.items() for file in files]
    assert sum(item.endswith("megatron.json") for item in seen) == 5
    assert sum(item.endswith("deepspeed.json") for item in seen) >= 11
    assert sum(item.endswith("accelerate.json") for item in seen) == 9
