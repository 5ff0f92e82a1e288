"""LLaMA-Factory's `export` and `api`: what happens to a model after training."""

from collections.abc import Mapping

from tunewright.compiler.importers.draft import Said
from tunewright.compiler.importers.life import Life
from tunewright.compiler.importers.llama_factory_base import FOREIGN_ADAPTER, base_of
from tunewright.compiler.importers.llama_factory_vocabulary import DEFAULTS
from tunewright.compiler.importers.options import Options, as_integer
from tunewright.compiler.importers.templates import check_template

_ENGINES = {"huggingface": "embedded", "hf": "embedded", "vllm": "vllm", "sglang": "sglang"}
_DEFAULT = "default of LLaMA-Factory"


def export(options: Options, life: Life, hub: str) -> None:
    """Add an export step: the adapter merged, or the model quantised."""
    source = _source(options, life, hub)
    if source is None:
        return
    step = life.step_name("pack")
    path = ("steps", step, "export")
    output, bits = options.take("export_dir"), options.integer("export_quantization_bit")
    life.drafting.put((*path, "model"), Said(source, output.origin if output else "export"))
    life.drafting.put((*path, "merge"), Said(True, "an export is merged"))
    if bits is not None:
        life.drafting.put((*path, "quantize", "method"), Said("gptq", bits.origin))
        life.drafting.put((*path, "quantize", "bits"), bits)
        calibration = options.word("export_quantization_dataset")
        if calibration is not None:
            name = life.add_data(str(calibration.value), calibration.origin)
            life.say_of_data(name, "format", Said("text", "what exports are calibrated with"))
            life.drafting.put((*path, "calibration"), Said(name, calibration.origin))
    check_template(options.word("template"), life.drafting)
    options.take("finetuning_type", "infer_backend", "stage")
    if output is not None:
        life.wrote(str(output.value), step)


def deploy(options: Options, life: Life, hub: str, environment: Mapping[str, str]) -> None:
    """Add a deployment."""
    source = _source(options, life, hub)
    if source is None:
        return
    path = ("steps", life.step_name("serve"), "deploy")
    backend = options.word("infer_backend") or Said("huggingface", _DEFAULT)
    engine = _ENGINES.get(str(backend.value).lower())
    if engine is None:
        life.drafting.refuse(backend.origin, f"engines here: {', '.join(sorted(set(_ENGINES.values())))}")
        return
    life.drafting.put((*path, "model"), Said(source, "api"))
    life.drafting.put((*path, "engine"), Said(engine, backend.origin))
    port = as_integer(environment.get("API_PORT", ""))
    life.drafting.put((*path, "port"), Said(port or 8000, "API_PORT" if port else _DEFAULT))
    length = options.integer("vllm_maxlen", "sglang_maxlen") or Said(DEFAULTS["vllm_maxlen"], _DEFAULT)
    share = options.number("vllm_gpu_util", "sglang_mem_fraction") or Said(DEFAULTS["vllm_gpu_util"], _DEFAULT)
    if engine != "embedded":
        life.drafting.put((*path, "max_model_len"), length)
        life.drafting.put((*path, "gpu_memory_share"), share)
    if (tensor := options.integer("sglang_tp_size")) is not None:
        life.drafting.put((*path, "tensor_parallel"), tensor)
    if (tokens := options.integer("max_new_tokens")) is not None:
        life.drafting.put((*path, "max_new_tokens"), tokens)
    check_template(options.word("template"), life.drafting)
    options.take("finetuning_type", "stage", "do_train")
    if "API_KEY" in environment:
        life.drafting.put((*path, "api_key"), Said("${secret:API_KEY}", "API_KEY: as a secret"))
    life.drafting.assume("host", "it serves this machine only; `host` and `api_key` open it")


def _source(options: Options, life: Life, hub: str) -> str | None:
    """Return the step whose model is meant, or `base`; None after a refusal."""
    base = base_of(options, life, hub)
    adapter = options.take("adapter_name_or_path")
    if adapter is None:
        return base
    earlier = life.step_of(str(adapter.value))
    if earlier is None:
        life.drafting.refuse(adapter.origin, FOREIGN_ADAPTER)
    return earlier
