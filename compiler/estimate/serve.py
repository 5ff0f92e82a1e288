"""Estimates of the steps that do not train: evaluation, export, service. Coarse: the times are judgement."""

from collections.abc import Iterable

from tunewright.compiler.estimate.inference import inference_bytes, key_value_bytes, linear_bytes, reply_seconds
from tunewright.compiler.estimate.parameters import has_shape
from tunewright.compiler.estimate.rows import RowLengths
from tunewright.compiler.estimate.storage import ELEMENT_BYTES, embedding_parameters, parameters_of, weight_bytes
from tunewright.compiler.ir.facts import DataFacts, HardwareFacts, ModelFacts
from tunewright.compiler.ir.plan import Estimate
from tunewright.compiler.ir.resolved import ResolvedDeploy, ResolvedEvaluate, ResolvedExport, ResolvedQuantize

MIB = 2**20
#: A prompt of an evaluation whose rows were not looked at, in tokens.
_PROMPT_TOKENS = 256

_START_SECONDS = 10.0
_SPREAD = (0.4, 3.0)
_PYTHON_BYTES = 750 * MIB
_DEVICE_BYTES = 600 * MIB
#: Compiled graphs and buffers of a serving engine.
_ENGINE_BYTES = 1500 * MIB
#: Parameters a second that each method works off on one accelerator; on a CPU core a small part of it.
_QUANTIZE_RATE = {"bnb": 500e6, "fp8": 500e6, "awq": 12e6, "gptq": 8e6}
_CPU_QUANTIZE_SHARE = 0.1
#: Methods that work through the model block by block: on an accelerator only one block is there at a time.
_BY_BLOCK = frozenset({"gptq", "awq"})
_CALIBRATION_BYTES = 2 * 128 * 2048


def estimate_evaluate(
    evaluate: ResolvedEvaluate, model: ModelFacts, hardware: HardwareFacts, suites: Iterable[DataFacts]
) -> Estimate:
    """Return what an evaluation takes; time only where the size of every suite is known."""
    if not has_shape(model):
        return Estimate()
    prompts = [RowLengths.of([suite]) for suite in suites]
    prompt_tokens = max((item.longest_tokens or _PROMPT_TOKENS for item in prompts), default=_PROMPT_TOKENS)
    length = prompt_tokens + evaluate.max_new_tokens
    breakdown = inference_bytes(model, precision=evaluate.precision, length=length, batch=evaluate.batch_size)
    breakdown["runtime"] = _runtime(evaluate.device)
    seconds = _evaluation_seconds(evaluate, model, hardware, prompts)
    return Estimate(
        memory_bytes=sum(breakdown.values()),
        capacity_bytes=_capacity(hardware, evaluate.device),
        seconds=seconds[0] if seconds else None,
        seconds_low=seconds[1] if seconds else None,
        seconds_high=seconds[2] if seconds else None,
        breakdown=breakdown,
    )


def estimate_export(export: ResolvedExport, model: ModelFacts, hardware: HardwareFacts) -> Estimate:
    """Return what merging, quantising and measuring a model takes."""
    if not has_shape(model):
        return Estimate()
    whole = weight_bytes(model, precision=export.precision)
    exported = exported_bytes(model, export.quantize, export.precision)
    # The merged model stays in memory while the exported one is loaded and compared with it.
    breakdown = {"weights": whole, "exported weights": exported}
    if export.quantize and export.quantize.method in _BY_BLOCK:
        breakdown = _quantising_bytes(export, model, export.quantize, whole)
    breakdown["runtime"] = _runtime(export.device)
    seconds = _export_seconds(export, model)
    return Estimate(
        memory_bytes=sum(breakdown.values()),
        capacity_bytes=_capacity(hardware, export.device),
        seconds=round(seconds, 1),
        seconds_low=round(seconds * _SPREAD[0], 1),
        seconds_high=round(seconds * _SPREAD[1], 1),
        disk_bytes=whole + exported,
        breakdown=breakdown,
    )


def estimate_deploy(
    deploy: ResolvedDeploy, model: ModelFacts, hardware: HardwareFacts, quantize: ResolvedQuantize | None = None
) -> Estimate:
    """Return the least memory one device of a service needs: for a single request of the longest length.

    `capacity_bytes` is the share of the device that the engine may take; what is left serves more requests at once.
    """
    if not has_shape(model):
        return Estimate()
    breakdown = inference_bytes(
        model, precision=deploy.precision, linear_bytes=linear_bytes(quantize), length=deploy.max_model_len, batch=1,
        tensor_parallel=deploy.tensor_parallel,
    )  # fmt: skip
    breakdown["runtime"] = _runtime(deploy.device)
    if deploy.engine != "embedded":
        breakdown["runtime"] += _ENGINE_BYTES
    capacity = _capacity(hardware, deploy.device)
    if capacity is not None and deploy.device != "cpu":
        capacity = int(capacity * deploy.gpu_memory_share)
    return Estimate(memory_bytes=sum(breakdown.values()), capacity_bytes=capacity, breakdown=breakdown)


def concurrent_requests(deploy: ResolvedDeploy, model: ModelFacts, estimate: Estimate) -> int:
    """Return how many requests of the longest length the memory holds at once; 0 when not even one."""
    if estimate.memory_bytes is None or estimate.capacity_bytes is None:
        return 0
    token = key_value_bytes(
        model, tensor_parallel=deploy.tensor_parallel, element_bytes=ELEMENT_BYTES[deploy.precision]
    )
    free = estimate.capacity_bytes - estimate.memory_bytes + estimate.breakdown["keys and values"]
    return max(0, int(free / (token * deploy.max_model_len)))


def exported_bytes(model: ModelFacts, quantize: ResolvedQuantize | None, precision: str) -> int:
    """Return the bytes of an exported model's weights."""
    return weight_bytes(model, precision=precision, linear_bytes=linear_bytes(quantize))


def _evaluation_seconds(
    evaluate: ResolvedEvaluate, model: ModelFacts, hardware: HardwareFacts, suites: list[RowLengths]
) -> tuple[float, ...] | None:
    """Return seconds (expected, low, high): a reply is as long as half of what it may be."""
    if not suites or any(suite.rows is None for suite in suites):
        return None
    total = [_START_SECONDS, _START_SECONDS, _START_SECONDS]
    for suite in suites:
        rows = min(suite.rows or 0, evaluate.limit or suite.rows or 0)
        each = reply_seconds(
            model,
            hardware,
            device=evaluate.device,
            precision=evaluate.precision,
            threads=evaluate.threads,
            batch=evaluate.batch_size,
            prompt=int(suite.mean_tokens or _PROMPT_TOKENS),
            reply=max(1, evaluate.max_new_tokens // 2),
        )
        total = [so_far + -(-rows // evaluate.batch_size) * item for so_far, item in zip(total, each, strict=True)]
    return tuple(round(item, 1) for item in total)


def _quantising_bytes(
    export: ResolvedExport, model: ModelFacts, quantize: ResolvedQuantize, whole: int
) -> dict[str, int]:
    if export.device == "cpu":
        weights = whole
    else:
        element, outside = ELEMENT_BYTES[export.precision], embedding_parameters(model)
        weights = element * (outside + (parameters_of(model) - outside) // (model.num_hidden_layers or 1))
    return {"weights": weights, "calibration": _calibration_bytes(model, quantize)}


def _calibration_bytes(model: ModelFacts, quantize: ResolvedQuantize) -> int:
    # GPTQ keeps a matrix of second moments of each layer's input and its factorisation, both in 32 bits.
    widest = max(model.hidden_size or 0, model.intermediate_size or 0)
    moments = 3 * 4 * widest**2 if quantize.method == "gptq" else 0
    return moments + _CALIBRATION_BYTES * (model.hidden_size or 0)


def _export_seconds(export: ResolvedExport, model: ModelFacts) -> float:
    parameters = parameters_of(model)
    seconds = _START_SECONDS + 2 * parameters * ELEMENT_BYTES[export.precision] / 500e6
    if export.quantize is None:
        return seconds
    rate = _QUANTIZE_RATE[export.quantize.method]
    if export.device == "cpu":
        rate *= _CPU_QUANTIZE_SHARE
    return seconds + parameters / rate


def _runtime(device: str) -> int:
    return _PYTHON_BYTES if device == "cpu" else _DEVICE_BYTES


def _capacity(hardware: HardwareFacts, device: str) -> int | None:
    if device == "cpu":
        return hardware.memory_bytes or None
    return hardware.accelerator.memory_bytes if hardware.accelerator else None
