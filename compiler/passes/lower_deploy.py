"""lower_deploy: deployments -> steps that stay."""

from dataclasses import replace

from tunewright.compiler.facts.defaults import SUPERVISION
from tunewright.compiler.facts.kinds import missing
from tunewright.compiler.ir.plan import Step, StepInput, Supervision
from tunewright.compiler.ir.resolved import ModelState, ResolvedDeploy, ResolvedStep
from tunewright.compiler.passes import lowering
from tunewright.compiler.passes.secrets import secret_name
from tunewright.compiler.passes.work import Work
from tunewright.compiler.targets import lmdeploy, sglang, vllm

_ENGINE_ARGV = {"vllm": vllm.serve_argv, "sglang": sglang.serve_argv, "lmdeploy": lmdeploy.serve_argv}


def lower_deploy(work: Work) -> Work:
    """Add the plan steps of all deployments."""
    if work.resolved is None:
        return work
    found = [(step, step.body) for step in work.resolved.steps if isinstance(step.body, ResolvedDeploy)]
    return replace(work, steps=(*work.steps, *(_lower(work, step, body) for step, body in found)))


def _lower(work: Work, step: ResolvedStep, body: ResolvedDeploy) -> Step:
    assert work.resolved is not None
    kind = f"serve.{body.engine}"
    inputs = lowering.model_inputs(work, body.model)
    if name := secret_name(body.api_key):
        inputs["secret.api_key"] = StepInput(role="secret", path=name)
    argv = lowering.runner_argv(work, kind)
    if body.engine in _ENGINE_ARGV:
        argv = _ENGINE_ARGV[body.engine](body, _quantization(work, body.model))
    made = lowering.made(
        work,
        step,
        kind=kind,
        service=True,
        supervision=_supervision(body),
        summary=_summary(body),
        inputs=inputs,
        parameters={
            "host": body.host,
            "port": body.port,
            "served_model_name": body.served_model_name,
            "max_model_len": body.max_model_len,
            "max_new_tokens": body.max_new_tokens,
            "precision": body.precision,
            "device": body.device,
            "threads": body.threads,
            "smoke_prompt": body.smoke_prompt,
            "system_prompt": body.system_prompt,
            "tensor_parallel": body.tensor_parallel,
            "replicas": list(body.replicas),
            "canary": {
                "steps": list(body.canary_steps),
                "hold_seconds": body.canary_hold_seconds,
                "rollback_on": list(body.rollback_on),
            }
            if body.canary_steps
            else None,
            "p95_latency_seconds": body.p95_latency_seconds,
        },
        launch=lowering.launch(kind, argv, device=body.device, threads=body.threads),
        identity={
            **lowering.identity_of(f"steps.{step.name}.deploy", body),
            **lowering.environment_identity(work, kind),
            **_supervision_identity(f"steps.{step.name}.deploy", body),
        },
        needs=lowering.upstream_identity(inputs),
        not_executable=lowering.not_executable(missing(kind), *_unsupported(work, body)),
    )
    return replace(made, limits=replace(made.limits, grace_seconds=body.supervision.drain_seconds))


def _supervision(body: ResolvedDeploy) -> Supervision:
    """Our own engine says itself when it has answered a first completion; others are asked until they answer."""
    own, asked = body.engine == "embedded", body.supervision
    return Supervision(
        address=None if own else f"http://{body.host}:{body.port}",
        health_path="/health",
        interval_seconds=asked.interval_seconds,
        timeout_seconds=asked.timeout_seconds,
        failures=asked.failures,
        restarts=asked.restarts,
        pause_seconds=asked.pause_seconds,
        stable_seconds=asked.stable_seconds,
    )


def _supervision_identity(path: str, body: ResolvedDeploy) -> dict[str, float]:
    """Return what differs from the usual: a live service has to be started again to be kept alive another way."""
    chosen = {key: (getattr(body.supervision, name), usual) for name, (key, usual) in SUPERVISION.items()}
    return {f"{path}.{key}": value for key, (value, usual) in chosen.items() if value != usual}


def _quantization(work: Work, model: str) -> str | None:
    """Return the method by which the served model was quantised, None when it was not."""
    assert work.resolved is not None
    step = work.resolved.step(model)
    quantize = getattr(step.body, "quantize", None) if step else None
    return quantize.method if quantize else None


def _unsupported(work: Work, body: ResolvedDeploy) -> list[str | None]:
    assert work.resolved is not None
    state = work.resolved.models.get(body.model, ModelState())
    return [
        lowering.unreadable_base(work) if body.engine == "embedded" else None,
        "canary releases are not built yet" if body.canary_steps else None,
        "several replicas are not built yet" if body.replicas != (1, 1) else None,
        "API keys are not built yet" if body.api_key else None,
        "serving an adapter on a quantised model is not built yet: merge it"
        if state.quantized and state.adapter
        else None,
        "tensor parallel serving needs a production engine"
        if body.engine == "embedded" and body.tensor_parallel > 1
        else None,
    ]


def _summary(body: ResolvedDeploy) -> str:
    replicas = f", {body.replicas[0]}-{body.replicas[1]} replicas" if body.replicas != (1, 1) else ""
    canary = f", canary {'/'.join(map(str, body.canary_steps))} %" if body.canary_steps else ""
    parallel = f", TP {body.tensor_parallel}" if body.tensor_parallel > 1 else ""
    return f"{body.engine} engine, :{body.port}{parallel}{replicas}{canary}"
