"""Defaults of export and deployment steps."""

from typing import Any

from tunewright.compiler.facts import defaults
from tunewright.compiler.ir.resolved import ResolvedDeploy, ResolvedExport, ResolvedQuantize, ResolvedSupervision
from tunewright.compiler.passes import machine
from tunewright.compiler.passes.default_runner import default_runner
from tunewright.compiler.passes.provenance import Chooser
from tunewright.compiler.passes.work import Work
from tunewright.spec.model.release import Deploy, Export, Quantize
from tunewright.spec.model.section import parse_duration


def default_export(work: Work, export: Export, chooser: Chooser) -> ResolvedExport:
    """Return the export with every value explicit."""
    assert work.facts is not None
    assert work.references is not None
    facts = work.facts
    learned = work.references.learned_from.get(export.model, ())
    chooser.written("model")
    calibration = export.calibration
    if calibration is not None:
        chooser.written("calibration")
    elif learned and work.spec is not None and work.spec.answers_with(export.model) == "text":
        # The farthest data set: supervised rows have one right reply, which perplexity needs.
        calibration = chooser.derived(
            "calibration", None, lambda: (learned[-1], f"the data that `{export.model}` learned from first")
        )
    return ResolvedExport(
        model=export.model,
        merge=chooser.default("merge", export.merge, True),
        quantize=_quantize(work, export.quantize, chooser.below("quantize")) if export.quantize else None,
        calibration=calibration,
        perplexity_increase=chooser.below("limits").optional(
            "perplexity_increase", export.limits.perplexity_increase if export.limits else None
        ),
        precision=chooser.derived("precision", None, lambda: machine.precision(facts)),
        device=machine.device(facts),
        threads=machine.threads(facts),
        runner=default_runner(export.runner, chooser),
    )


def _quantize(work: Work, quantize: Quantize, chooser: Chooser) -> ResolvedQuantize:
    chooser.written("method")
    bits = chooser.default("bits", quantize.bits, defaults.BITS[quantize.method], quantize.method)
    if quantize.method in ("gptq", "awq"):
        return ResolvedQuantize(
            method=quantize.method,
            bits=bits,
            group_size=chooser.derived("group_size", quantize.group_size, lambda: _group_size(work)),
        )
    return ResolvedQuantize(method=quantize.method, bits=bits, group_size=quantize.group_size or 0)


def _group_size(work: Work) -> tuple[int, str]:
    """A group must divide the input width of every linear layer: the largest usual one that does."""
    model = machine.base_model(work)
    widths = [width for width in (model.hidden_size, model.intermediate_size, model.moe_intermediate_size) if width]
    for size in (defaults.GROUP_SIZE, 64, 32):
        if all(width % size == 0 for width in widths):
            reason = (
                "usual"
                if size == defaults.GROUP_SIZE
                else f"the largest usual one that divides {' and '.join(map(str, widths))}"
            )
            return size, reason
    return defaults.GROUP_SIZE, "usual"


def default_deploy(work: Work, deploy: Deploy, chooser: Chooser) -> ResolvedDeploy:
    """Return the deployment with every value explicit."""
    assert work.facts is not None
    assert work.spec is not None
    facts, name = work.facts, work.spec.name
    context = machine.base_model(work).max_position_embeddings
    chooser.written("model")
    objectives, canary = deploy.objectives, deploy.canary
    return ResolvedDeploy(
        model=deploy.model,
        engine=chooser.default("engine", deploy.engine, "embedded"),
        host=chooser.default("host", deploy.host, "127.0.0.1"),
        port=chooser.default("port", deploy.port, defaults.PORT),
        served_model_name=chooser.derived(
            "served_model_name", deploy.served_model_name, lambda: (name, "the spec's name")
        ),
        max_model_len=chooser.derived(
            "max_model_len",
            deploy.max_model_len,
            lambda: (
                min(context or defaults.SERVED_LENGTH, defaults.SERVED_LENGTH),
                "the model's context, at most 4096",
            ),
        ),
        max_new_tokens=chooser.default("max_new_tokens", deploy.max_new_tokens, 256),
        tensor_parallel=chooser.default("tensor_parallel", deploy.tensor_parallel, 1),
        gpu_memory_share=chooser.default("gpu_memory_share", deploy.gpu_memory_share, defaults.GPU_MEMORY_SHARE),
        replicas=(deploy.replicas.min, deploy.replicas.max) if deploy.replicas else (1, 1),
        canary_steps=canary.steps if canary else (),
        canary_hold_seconds=(parse_duration(canary.hold) or 0.0) if canary else 0.0,
        rollback_on=canary.rollback_on if canary else (),
        p95_latency_seconds=parse_duration(objectives.p95_latency) if objectives and objectives.p95_latency else None,
        supervision=_supervision(deploy, chooser),
        system_prompt=chooser.optional("system_prompt", deploy.system_prompt),
        api_key=deploy.api_key,
        smoke_prompt=chooser.optional("smoke_prompt", deploy.smoke_prompt),
        precision=chooser.derived("precision", None, lambda: machine.precision(facts)),
        device=machine.device(facts),
        threads=machine.threads(facts),
    )


def _supervision(deploy: Deploy, chooser: Chooser) -> ResolvedSupervision:
    values: dict[str, Any] = {}
    for name, (path, usual) in defaults.SUPERVISION.items():
        section, _, key = path.rpartition(".")
        written = getattr(getattr(deploy, section) if section else deploy, key, None)
        seconds = parse_duration(written) if isinstance(written, str) else written
        values[name] = (chooser.below(section) if section else chooser).default(key, seconds, usual)
    return ResolvedSupervision(**values)
