"""lower_fetch: the base model -> a step that brings it here as a normal folder."""

from dataclasses import replace

from tunewright.compiler.facts.defaults import STALL_AND_GRACE
from tunewright.compiler.ir.plan import Estimate, Limits, Step, StepInput
from tunewright.compiler.passes import lowering, machine
from tunewright.compiler.passes.secrets import secret_name
from tunewright.compiler.passes.work import Work

_LOCAL = ("gguf", "package")
_HUBS = ("hf", "ms")


def lower_fetch(work: Work) -> Work:
    """Add the step `base` when the model is not a plain local folder already."""
    if work.resolved is None or not lowering.fetches(work):
        return work
    assert work.spec is not None
    model = machine.base_model(work)
    source = work.spec.base.model
    scheme = source.partition(":")[0]
    inputs = {"weights": StepInput(role="weights", path=source, digest=model.digest)} if scheme in _LOCAL else {}
    if name := secret_name(work.spec.base.token):
        inputs["secret.token"] = StepInput(role="secret", path=name)
    stall, grace = STALL_AND_GRACE["fetch"]
    step = Step(
        name=lowering.FETCH,
        verb="fetch",
        kind="fetch.model",
        summary={
            "gguf": "convert GGUF, once",
            "package": "convert GGUF, once",
            "hf": "download, once",
            "ms": "download, once",
        }.get(scheme, "copy, once"),
        inputs=inputs,
        parameters={
            "source": source,
            "revision": model.revision,
            # What the runner holds the hub's answer to, file by file.
            "files": dict(model.file_digests) if scheme in _HUBS else {},
            "precision": "bf16",
            "trust_remote_code": bool(work.spec.base.trust_remote_code),
        },
        launch=lowering.launch(
            "fetch.model",
            lowering.runner_argv("fetch.model"),
            device="cpu",
            threads=machine.threads(work.facts),
            online=scheme in _HUBS,
        )
        if work.facts
        else None,
        estimate=Estimate(disk_bytes=2 * model.num_parameters if model.num_parameters else None),
        limits=Limits(stall_seconds=stall, grace_seconds=grace, retries=3),
        identity={
            # What the files hold decides; where they lie does not, unless nothing else is known of them.
            "base.model": model.digest or source,
            "base.revision": model.revision,
            **lowering.environment_identity(work, "fetch.model"),
        },
    )
    return replace(work, steps=(*work.steps, step))
