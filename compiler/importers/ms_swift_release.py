"""`swift export`, `swift deploy` and `swift eval`: what happens to a model after training."""

from tunewright.compiler.facts.benchmarks import BENCHMARKS
from tunewright.compiler.importers.draft import Said
from tunewright.compiler.importers.ms_swift_call import Call
from tunewright.compiler.importers.words import BENCHMARK_NAMES
from tunewright.spec.suggest import listed

_ENGINES = {"pt": "embedded", "transformers": "embedded", "vllm": "vllm", "sglang": "sglang", "lmdeploy": "lmdeploy"}
_QUANTIZE = {"bnb": "bnb", "gptq": "gptq", "gptq_v2": "gptq", "awq": "awq", "fp8": "fp8"}
_CONVERSIONS = ("to_mcore", "to_hf", "to_peft_format", "to_cached_dataset", "to_ollama")


def export(call: Call) -> None:
    """Add an export step; a conversion between formats of the same weights is none."""
    options, drafting = call.options, call.life.drafting
    conversion = next((name for name in _CONVERSIONS if options.is_on(name)), None)
    if conversion is not None:
        _convert(call, conversion)
        return
    source = _source(call)
    if source is None:
        return
    merge, method = options.flag("merge_lora"), options.word("quant_method")
    method = method or (options.word("quant_bits") and Said("gptq", "quant_bits"))
    if merge is None and method is None:
        drafting.lose(call.name, "exports nothing that is a package here")
        return
    step = call.life.step_name("pack")
    path = ("steps", step, "export")
    drafting.put((*path, "model"), source)
    drafting.put((*path, "merge"), merge or call.said(True))
    if method is not None:
        _quantize(call, method, path)
    _remember(call, step)


def deploy(call: Call) -> None:
    """Add a deployment."""
    options, drafting = call.options, call.life.drafting
    source = _source(call)
    if source is None:
        return
    path = ("steps", call.life.step_name("serve"), "deploy")
    backend = options.word("infer_backend") or call.said("pt")
    engine = _ENGINES.get(str(backend.value))
    if engine is None:
        drafting.refuse(backend.origin, f"engines here: {', '.join(sorted(set(_ENGINES.values())))}")
        return
    drafting.put((*path, "model"), source)
    drafting.put((*path, "engine"), Said(engine, backend.origin))
    drafting.put((*path, "port"), options.integer("port") or call.said(8000))
    numbers = {
        "served_model_name": options.word("served_model_name"),
        "max_model_len": options.integer("vllm_max_model_len", "sglang_context_length", "lmdeploy_session_len"),
        "max_new_tokens": options.integer("max_new_tokens"),
        "tensor_parallel": options.integer("vllm_tensor_parallel_size", "sglang_tp_size", "lmdeploy_tp"),
        "gpu_memory_share": options.number("vllm_gpu_memory_utilization", "sglang_mem_fraction_static"),
    }
    for name, said in numbers.items():
        if said is not None:
            drafting.put((*path, name), said)
    options.take("template", "torch_dtype", "max_length")
    if (host := options.word("host")) is None or host.value != "127.0.0.1":
        drafting.assume(host.origin if host else "host", "it serves this machine only; `host` and `api_key` open it")
    if (key := options.take("api_key")) is not None:
        drafting.put((*path, "api_key"), Said("${secret:API_KEY}", f"--{key.name}: as a secret"))
    tensor = numbers["tensor_parallel"]
    call.life.machine(tensor.value if tensor else None, None, sharded=False)


def evaluate(call: Call) -> None:
    """Add an evaluation of the public benchmarks that both sides know."""
    options, drafting = call.options, call.life.drafting
    source = _source(call)
    if source is None:
        return
    wanted = options.words("eval_dataset")
    names = [BENCHMARK_NAMES.get(name.lower(), name.lower()) for name in wanted.value] if wanted else []
    known = tuple(dict.fromkeys(name for name in names if name in BENCHMARKS))
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown and wanted:
        drafting.lose(f"eval_dataset: {' '.join(unknown)}", f"benchmarks here: {listed(BENCHMARKS, 20)}")
    if not known or wanted is None:
        drafting.refuse(call.name, "names no benchmark that is known here")
        return
    path = ("steps", call.life.step_name("exam"), "evaluate")
    drafting.put((*path, "model"), source)
    drafting.put((*path, "suites"), Said(known, wanted.origin))
    for name, said in (("limit", options.integer("eval_limit")), ("max_new_tokens", options.integer("max_new_tokens"))):
        if said is not None:
            drafting.put((*path, name), said)
    temperature = options.number("temperature") or call.said(0.0)
    drafting.put((*path, "temperature"), temperature)
    for name in ("infer_backend", "eval_backend", "torch_dtype", "template", "max_length"):
        if (option := options.take(name)) is not None:
            drafting.leave(option.origin, "evaluation has an engine of its own")


def _source(call: Call) -> Said | None:
    """Return the step whose model is meant, or `base`; None after a refusal."""
    adapters = call.options.take("adapters")
    named = adapters or call.options.items.get("model")
    if adapters is None:
        source = call.model()
    else:
        source = call.life.step_of(str(adapters.value))
        if source is None:
            call.life.drafting.refuse(adapters.origin, call.FOREIGN_ADAPTER)
        if call.options.has("model"):
            call.model()
    return Said(source, f"{call.name} {named.subject}" if named else call.name) if source else None


def _convert(call: Call, conversion: str) -> None:
    options, drafting = call.options, call.life.drafting
    model, output = options.word("model", "mcore_model", "adapters", "mcore_adapter"), options.word("output_dir")
    options.taken.update(options.items)
    if conversion in ("to_mcore", "to_hf", "to_peft_format"):
        drafting.leave(f"{call.name} --{conversion}", "weights are kept in one format here and converted where needed")
        if model is not None and output is not None:
            earlier = call.life.step_of(str(model.value))
            if earlier:
                call.life.wrote(str(output.value), earlier)
            else:
                call.life.converted[str(output.value).rstrip("/")] = str(model.value)
    elif conversion == "to_cached_dataset":
        drafting.leave(f"{call.name} --{conversion}", "the daemon prepares rows when a step starts")
    else:
        drafting.lose(f"{call.name} --{conversion}", "is no package that can be made here")


def _quantize(call: Call, method: Said, path: tuple[str, ...]) -> None:
    options, drafting = call.options, call.life.drafting
    ours = _QUANTIZE.get(str(method.value))
    if ours is None:
        drafting.refuse(method.origin, f"methods here: {', '.join(sorted(set(_QUANTIZE.values())))}")
        return
    drafting.put((*path, "quantize", "method"), Said(ours, method.origin))
    if (bits := options.integer("quant_bits")) is not None:
        drafting.put((*path, "quantize", "bits"), bits)
    if ours in ("gptq", "awq"):
        drafting.put((*path, "quantize", "group_size"), options.integer("group_size") or call.said(128))
        _calibration(call, path)


def _calibration(call: Call, path: tuple[str, ...]) -> None:
    option = call.options.take("dataset")
    name = call.add_first_data(option) if option is not None else None
    if option is not None and name is not None:
        name = call.life.same_data(name) or name
        call.life.drafting.put((*path, "calibration"), Said(name, option.origin))
    call.options.take("max_length", "template")


def _remember(call: Call, step: str) -> None:
    if (output := call.options.take("output_dir")) is not None:
        call.life.wrote(str(output.value), step)
        call.life.drafting.leave(output.origin, "every result has a folder of its own, named by its digest")
