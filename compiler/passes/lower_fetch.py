"""lower_fetch: the base model, and data sets on hubs -> a step each that brings them here."""

from dataclasses import replace

from tunewright.compiler.facts.defaults import STALL_AND_GRACE
from tunewright.compiler.ir.pins import HUBS
from tunewright.compiler.ir.plan import Estimate, Limits, Step, StepInput
from tunewright.compiler.passes import lowering, machine
from tunewright.compiler.passes.secrets import secret_name
from tunewright.compiler.passes.work import Work
from tunewright.spec.model.base import serves

_LOCAL = ("gguf", "package")
_HUBS = ("hf", "ms")
_DATA = "fetch.data"


def lower_fetch(work: Work) -> Work:
    """Add the step `base` when the model is not a plain local folder already, and one for each data set on a hub."""
    if work.resolved is None:
        return work
    assert work.facts is not None
    model = (_model(work),) if lowering.fetches(work) else ()
    data = [_data(work, name) for name in lowering.used_data(work) if work.facts.data[name].remote]
    return replace(work, steps=(*work.steps, *model, *data))


def _model(work: Work) -> Step:
    assert work.spec is not None
    assert work.facts is not None
    model = machine.base_model(work)
    source = work.spec.base.model
    scheme = source.partition(":")[0]
    own = lowering.families(work, {})
    inputs = {"weights": StepInput(role="weights", path=source, digest=model.digest)} if scheme in _LOCAL else {}
    stall, grace = STALL_AND_GRACE["fetch"]
    return Step(
        name=lowering.FETCH,
        verb="fetch",
        kind="fetch.model",
        summary={
            "gguf": "convert GGUF, once",
            "package": "convert GGUF, once",
            "hf": "download, once",
            "ms": "download, once",
        }.get(scheme, "copy, once"),
        inputs=inputs | _token(work, source),
        parameters={
            "source": source,
            "revision": model.revision,
            **_mirror(work, source),
            # What the runner holds the hub's answer to, file by file.
            "files": dict(model.file_digests) if scheme in _HUBS else {},
            "precision": "bf16",
            "trust_remote_code": bool(work.spec.base.trust_remote_code),
            **({"families": list(own)} if own else {}),
        },
        launch=lowering.launch(
            "fetch.model",
            lowering.runner_argv(work, "fetch.model"),
            device="cpu",
            threads=machine.threads(work.facts),
            online=scheme in _HUBS,
        ),
        estimate=Estimate(disk_bytes=2 * model.num_parameters if model.num_parameters else None),
        limits=Limits(stall_seconds=stall, grace_seconds=grace, retries=3),
        identity={
            # What the files hold decides; where they lie does not, unless nothing else is known of them.
            "base.model": model.digest or source,
            "base.revision": model.revision,
            **_mirror_identity(work, source, model.digest),
            **lowering.family_identity(work, {}),
            **lowering.environment_identity(work, "fetch.model"),
        },
    )


def _data(work: Work, name: str) -> Step:
    assert work.spec is not None
    assert work.facts is not None
    facts, data = work.facts.data[name], work.spec.data[name]
    source = data.source[0]
    part = {"subset": data.subset, "split": data.split}
    stall, grace = STALL_AND_GRACE["fetch"]
    return Step(
        name=lowering.fetched_name(name),
        verb="fetch",
        kind=_DATA,
        summary="download rows, once",
        inputs=_token(work, source),
        parameters={
            "source": source,
            "revision": facts.revision,
            **_mirror(work, source),
            "files": {file.written: file.digest for file in facts.files},
            **part,
        },
        launch=lowering.launch(
            _DATA, lowering.runner_argv(work, _DATA), device="cpu", threads=machine.threads(work.facts), online=True
        ),
        limits=Limits(stall_seconds=stall, grace_seconds=grace, retries=3),
        not_executable=f"`{name}` has several sources, one of them on a hub: give that one a data set of its own"
        if len(data.source) > 1
        else None,
        identity={
            f"data.{name}": facts.digest or source,
            f"data.{name}.revision": facts.revision,
            **{f"data.{name}.{key}": value for key, value in part.items()},
            **_mirror_identity(work, source, facts.digest),
            **lowering.environment_identity(work, _DATA),
        },
    )


def _token(work: Work, source: str) -> dict[str, StepInput]:
    assert work.spec is not None
    name = secret_name(work.spec.base.token) if serves(work.spec.base, source) else None
    return {"secret.token": StepInput(role="secret", path=name)} if name else {}


def _mirror(work: Work, source: str) -> dict[str, str]:
    """Return the address of the mirror that the spec names for a source."""
    assert work.spec is not None
    endpoint = work.spec.base.endpoint
    return {"endpoint": endpoint} if endpoint and source.startswith(HUBS) and serves(work.spec.base, source) else {}


def _mirror_identity(work: Work, source: str, digest: str | None) -> dict[str, str]:
    """What is pinned is the same wherever it comes from; of what is not, all that is known is who gave it."""
    return {} if digest else {f"base.{key}": value for key, value in _mirror(work, source).items()}
