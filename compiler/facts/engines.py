"""Serving engines: the options that we write, under the names that a stated version of each engine gives them."""

from collections.abc import Mapping
from dataclasses import field
from types import MappingProxyType

from tunewright.spec.record import record

_TORCH_NAMES = MappingProxyType({"bf16": "bfloat16", "fp16": "float16", "fp32": "float32"})


@record(kw_only=True)
class Engine:
    """One engine at one version.

    `options` maps our word to the engine's option; a word that is missing the engine has no option for. `formats` maps
    our method of quantisation to the engine's name of the checkpoint's format; what is missing it can't serve.
    `precisions` does the same for number formats. `api_key_variable`: where it reads a key from, so that none is on a
    command line; None where it can only be given on one. `least_capability`: what an NVIDIA chip must have for a format
    (formats that are not named ask for nothing). `largest_adapter_rank`: of adapters served unmerged; None: no limit.
    """

    name: str
    version: str
    options: Mapping[str, str]
    formats: Mapping[str, str]
    precisions: Mapping[str, str] = field(default_factory=lambda: _TORCH_NAMES)
    api_key_variable: str | None = None
    least_capability: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    largest_adapter_rank: int | None = None


VLLM = Engine(
    name="vllm",
    version="0.32.0",
    options={
        "host": "--host",
        "port": "--port",
        "served_model_name": "--served-model-name",
        "max_model_len": "--max-model-len",
        "tensor_parallel": "--tensor-parallel-size",
        "gpu_memory_share": "--gpu-memory-utilization",
        "precision": "--dtype",
        "quantization": "--quantization",
        "max_requests": "--max-num-seqs",
        "prefix_caching": "--enable-prefix-caching",
    },
    formats={"gptq": "gptq", "awq": "awq", "fp8": "compressed-tensors"},
    api_key_variable="VLLM_API_KEY",
    least_capability={"awq": (7, 5), "fp8": (8, 0)},
    largest_adapter_rank=512,
)

SGLANG = Engine(
    name="sglang",
    version="0.5.23",
    options={
        "host": "--host",
        "port": "--port",
        "served_model_name": "--served-model-name",
        "max_model_len": "--context-length",
        "tensor_parallel": "--tp-size",
        "gpu_memory_share": "--mem-fraction-static",
        "precision": "--dtype",
        "quantization": "--quantization",
        "max_requests": "--max-running-requests",
    },
    formats={"gptq": "gptq", "awq": "awq", "fp8": "compressed-tensors"},
    least_capability={"awq": (7, 5), "fp8": (8, 0)},
)

LMDEPLOY = Engine(
    name="lmdeploy",
    version="0.18.0",
    options={
        "host": "--server-name",
        "port": "--server-port",
        "served_model_name": "--model-name",
        "max_model_len": "--session-len",
        "tensor_parallel": "--tp",
        "gpu_memory_share": "--cache-max-entry-count",
        "precision": "--dtype",
        "quantization": "--model-format",
        "max_requests": "--max-batch-size",
        "prefix_caching": "--enable-prefix-caching",
    },
    formats={"gptq": "gptq", "awq": "awq", "fp8": "fp8"},
    precisions={"bf16": "bfloat16", "fp16": "float16"},
)

ENGINES: Mapping[str, Engine] = {engine.name: engine for engine in (VLLM, SGLANG, LMDEPLOY)}


def can_serve(engine: str, quantization: str | None) -> bool:
    """Say whether a production engine serves checkpoints of a method of quantisation (None: not quantised)."""
    return quantization is None or quantization in ENGINES[engine].formats
