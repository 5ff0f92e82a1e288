"""seal: the plan as one value with a digest, and the lock that says what it rests on."""

from dataclasses import replace
from typing import Any

from tunewright import __version__
from tunewright.compiler.facts.defaults import DEFAULTS_VERSION
from tunewright.compiler.ir.facts import DataFacts, Facts, HardwareFacts, ModelFacts, PlugInFacts
from tunewright.compiler.ir.pins import HUBS, LOCK_VERSION, data_source, shape_of
from tunewright.compiler.ir.plan import AlertRule, Plan
from tunewright.compiler.ir.plan import seal as seal_plan
from tunewright.compiler.passes.work import Work
from tunewright.spec.canonical import digest_of
from tunewright.spec.document import dotted
from tunewright.spec.model.document import named_plug_ins
from tunewright.spec.syntax import plain_value


def seal(work: Work) -> Work:
    """Make the Plan. Not called when there are errors."""
    assert work.spec is not None
    assert work.document is not None
    assert work.facts is not None
    plan = Plan(
        compiler_version=__version__,
        name=work.spec.name,
        profile=work.profile,
        sets=work.sets,
        spec_digest=digest_of(_jsonable(plain_value(work.document.root))),
        facts_digest=work.facts.digest(),
        machine=machine_text(work.facts.hardware),
        lock=_lock(work, work.facts),
        steps=work.steps,
        alerts=_alerts(work),
    )
    return replace(work, plan=seal_plan(plan))


def _alerts(work: Work) -> tuple[AlertRule, ...]:
    """Rules belong to the plan as a whole: they change no step, so nothing is done again because of them."""
    assert work.resolved is not None
    sources = work.resolved.provenance
    return tuple(
        AlertRule(
            to=alert.to,
            severity=alert.severity,
            events=alert.events,
            when=alert.when,
            queued_seconds=alert.queued_seconds,
            provenance={
                path.rpartition(".")[2]: str(origin)
                for path, origin in sources.items()
                if path.startswith(f"{dotted(('alerts', index))}.")
            },
        )
        for index, alert in enumerate(work.resolved.alerts)
    )


def machine_text(hardware: HardwareFacts) -> str:
    """Describe the machine of a plan in a line."""
    gigabytes = hardware.memory_bytes / 1e9
    where = "stated in the spec" if hardware.stated else "this machine"
    host = f"{hardware.cpu_cores} cpu cores, {gigabytes:.0f} GB"
    if hardware.accelerator is None:
        return f"{where}: {host}, no accelerator"
    many = f"{hardware.accelerator.count} x {hardware.accelerator.name}"
    nodes = f" on each of {hardware.nodes} nodes" if hardware.nodes > 1 else ""
    return f"{where}: {many}{nodes}" + ("" if hardware.stated else f", {host}")


def _lock(work: Work, facts: Facts) -> dict[str, Any]:
    """What a later compilation can be held to: model, data and environments by digest, the version of the defaults."""
    lock: dict[str, Any] = {
        "lock_version": LOCK_VERSION,
        "compiler": __version__,
        "defaults": DEFAULTS_VERSION,
        "models": {source: _model_lock(model) for source, model in sorted(facts.models.items())},
        "data": {name: _data_lock(data) | _hub_lock(work, name, data) for name, data in sorted(facts.data.items())},
        "suites": {name: _data_lock(data) for name, data in sorted(facts.suites.items())},
        "files": {name: file.digest for name, file in sorted(facts.files.items())},
        "variables": dict(sorted(work.filled.items())),
        "allowed": dict(work.allowed),
        "environments": {
            name: environment.digest for name, environment in sorted(facts.environments.items()) if name in _used(work)
        },
    }
    if used := [item for item in facts.plug_ins if _is_named(work, item)]:
        lock["plug_ins"] = {f"{item.kind} {item.name}": str(item) for item in used}
    if work.governed:
        lock["policy"] = dict(work.governed)
    return lock


def _model_lock(model: ModelFacts) -> dict[str, Any]:
    files = {"files": dict(model.file_digests)} if model.file_digests else {}
    # A machine that does not have the model plans with what was known of it here.
    shape = {"shape": shape_of(model)} if model.digest and model.source.startswith(HUBS) else {}
    return {"digest": model.digest, "revision": model.revision, "origin": model.origin, **files, **shape}


def _data_lock(data: DataFacts) -> dict[str, Any]:
    return {"digest": data.digest, "rows": data.rows, "files": {file.written: file.digest for file in data.files}}


def _hub_lock(work: Work, name: str, data: DataFacts) -> dict[str, Any]:
    """What holds a data set on a hub: rows of it are not counted before it is here."""
    assert work.spec is not None
    if not data.remote:
        return {}
    written = work.spec.data[name]
    return {"source": data_source(written.source, written.subset, written.split), "revision": data.revision}


def _is_named(work: Work, item: PlugInFacts) -> bool:
    assert work.spec is not None
    if item.kind == "family":  # named by the models themselves; only those that are used are collected
        return True
    return any((kind, name) == (item.kind, item.name) for kind, name, _ in named_plug_ins(work.spec))


def _used(work: Work) -> set[str]:
    return {step.launch.environment for step in work.steps if step.launch is not None}


def _jsonable(value: Any) -> Any:
    """Infinity and NaN can be written in YAML but have no canonical form; binding has refused them by now, outside
    profiles.
    """
    match value:
        case dict():
            return {key: _jsonable(item) for key, item in value.items()}
        case list() | tuple():
            return [_jsonable(item) for item in value]
        case float() if value != value or value in (float("inf"), float("-inf")):
            return repr(value)
        case int() if abs(value) > 2**53 - 1:
            return str(value)
        case _:
            return value
