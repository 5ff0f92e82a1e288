"""lower_export: export steps -> plan steps."""

from dataclasses import replace
from typing import Any

from tunewright.compiler.facts.kinds import missing
from tunewright.compiler.facts.metrics import MEASURED_BY
from tunewright.compiler.ir.plan import Step
from tunewright.compiler.ir.resolved import ResolvedExport, ResolvedStep
from tunewright.compiler.passes import lowering
from tunewright.compiler.passes.work import Work

_SHARD_BYTES = 2 * 2**30
_MEASURED_ROWS = 32
_MEASURED_TOKENS = 512


def lower_export(work: Work) -> Work:
    """Add the plan steps of all export steps."""
    if work.resolved is None:
        return work
    found = [(step, step.body) for step in work.resolved.steps if isinstance(step.body, ResolvedExport)]
    return replace(work, steps=(*work.steps, *(_lower(work, step, body) for step, body in found)))


def _lower(work: Work, step: ResolvedStep, body: ResolvedExport) -> Step:
    assert work.facts is not None
    assert work.spec is not None
    quantize = body.quantize
    kind = "export.gptq" if quantize and quantize.method in ("gptq", "awq") else "export.model"
    makes = work.spec.answers_with(body.model)
    kind = body.runner.name if body.runner else "export.head" if makes in MEASURED_BY else kind
    inputs = lowering.model_inputs(work, body.model)
    identity = {**lowering.identity_of(f"steps.{step.name}.export", body), **lowering.environment_identity(work, kind)}
    calibration_format = None
    reading: dict[str, Any] = {}
    if body.calibration is not None and body.calibration in work.facts.data:
        facts = work.facts.data[body.calibration]
        calibration_format = work.spec.data[body.calibration].format or facts.format
        reading = {
            f"calibration_{key}": value for key, value in lowering.reading_of(work.spec.data[body.calibration]).items()
        }
        inputs |= lowering.data_inputs(work, "calibration", body.calibration)
        identity |= {**lowering.data_digest(work, body.calibration), **reading}
    return lowering.made(
        work,
        step,
        kind=kind,
        summary=_summary(body),
        inputs=inputs,
        parameters={
            **(_of_text(body, calibration_format) | reading if kind != "export.head" else {"makes": makes}),
            "max_shard_size_bytes": _SHARD_BYTES,
            "precision": body.precision,
            "device": body.device,
            "threads": body.threads,
            **lowering.runner_parameters(body.runner),
        },
        launch=lowering.launch(kind, lowering.runner_argv(work, kind), device=body.device, threads=body.threads),
        identity=identity,
        needs=lowering.upstream_identity(inputs),
        not_executable=lowering.unknown_runner(work, body.runner)
        if body.runner
        else lowering.not_executable(
            missing(kind),
            lowering.too_large(step),
            lowering.unreadable_base(work),
            "FP8 export is not built yet" if quantize and quantize.method == "fp8" else None,
            f"export on {body.device} devices is not built yet" if body.device in ("npu", "mps") else None,
        ),
    )


def _of_text(body: ResolvedExport, calibration_format: str | None) -> dict[str, Any]:
    """Return the parameters that mean something to a model that writes."""
    return {
        "merge": body.merge,
        "quantize": _quantize(body),
        "calibration_format": calibration_format,
        "measure": {"limit": _MEASURED_ROWS, "max_length": _MEASURED_TOKENS},
        "limits": {"perplexity_increase": body.perplexity_increase},
    }


def _quantize(body: ResolvedExport) -> dict[str, Any] | None:
    quantize = body.quantize
    if quantize is None:
        return None
    if quantize.method == "bnb":
        return {"method": "bnb", "bits": quantize.bits, "double_quant": True, "quant_type": "nf4"}
    return {"method": quantize.method, "bits": quantize.bits, "group_size": quantize.group_size}


def _summary(body: ResolvedExport) -> str:
    parts = ["merge"] if body.merge else []
    if body.quantize:
        group = f" group {body.quantize.group_size}" if body.quantize.group_size else ""
        parts.append(f"{body.quantize.method} {body.quantize.bits}-bit{group}")
    by = f", by {body.runner.name}" if body.runner else ""
    return f"{body.model}: " + (", ".join(parts) or "as it is") + by
