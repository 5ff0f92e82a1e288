"""What every lowering shares: inputs of a step, its identity, the command line of its runner."""

from collections.abc import Iterable, Mapping
from dataclasses import is_dataclass
from typing import Any

from tunewright.compiler.facts.defaults import STALL_AND_GRACE
from tunewright.compiler.facts.kinds import KINDS
from tunewright.compiler.ir.plan import Launch, Limits, Process, Step, StepInput
from tunewright.compiler.ir.resolved import (
    ModelState,
    ResolvedExport,
    ResolvedParallelism,
    ResolvedRunner,
    ResolvedStep,
)
from tunewright.compiler.passes import machine
from tunewright.compiler.passes.work import Work
from tunewright.compiler.targets.environment import common_environment
from tunewright.spec.model.data import DataSet
from tunewright.spec.plug_ins import is_plug_in

#: Settings that never change what a step produces.
_WITHOUT_EFFECT = frozenset(
    {
        "logging_steps",
        "save_steps",
        "save_total_limit",
        "watch",
        "report_to",
        "reason",
        "alternatives",
        "seed_source",
        "supervision",
    }
)

#: The environment that packages add to.
PLUGGED = "train"
FETCH = "base"
#: What begins the name of a step that prepares data. No step of a spec can be called so: names have no `-`.
_PREPARED = "data-"
#: What begins the name of a step that fetches data from a hub.
_FETCHED = "fetch-"


def fetches(work: Work) -> bool:
    """True when the base model must be made into a folder first: everything but a plain local folder."""
    assert work.spec is not None
    return not work.spec.base.model.startswith("dir:")


def model_inputs(work: Work, name: str) -> dict[str, StepInput]:
    """Return the inputs `model` and, where there is one, `adapter` of the model that step `name` (or `base`) makes."""
    assert work.resolved is not None
    state = work.resolved.models.get(name, ModelState())
    inputs = {"model": StepInput(role="model", step=state.model) if state.model else base_input(work)}
    if state.adapter:
        inputs["adapter"] = StepInput(role="adapter", step=state.adapter)
    return inputs


def other_model_inputs(work: Work, name: str, model: str) -> dict[str, StepInput]:
    """Return the inputs of a model beside the one that learns: `NAME.model` and, where there is one, `NAME.adapter`."""
    if ":" in model:
        assert work.facts is not None
        return {f"{name}.model": StepInput(role="model", path=model, digest=work.facts.models[model].digest)}
    return {f"{name}.{key}": item for key, item in model_inputs(work, model).items()}


def base_input(work: Work) -> StepInput:
    """Return the base model as an input: the fetch step's artifact, or the folder itself."""
    if fetches(work):
        return StepInput(role="model", step=FETCH)
    assert work.spec is not None
    return StepInput(role="model", path=work.spec.base.model, digest=machine.base_model(work).digest)


def file_inputs(key: str, role: str, files: Iterable[Any]) -> dict[str, StepInput]:
    """Return one input a file: `key`, or `key.0`, `key.1`, ... when there are several."""
    items = list(files)
    names = [key] if len(items) == 1 else [f"{key}.{index}" for index in range(len(items))]
    return {
        name: StepInput(role=role, path=item.written, digest=item.digest)
        for name, item in zip(names, items, strict=True)
    }


def used_data(work: Work) -> tuple[str, ...]:
    """Return the names of the data sets that steps read."""
    if work.resolved is None or work.spec is None:
        return ()
    trained = [name for _, train in work.resolved.trains() for name in train.data]
    exports = [step.body for step in work.resolved.steps if isinstance(step.body, ResolvedExport)]
    calibrating = [body.calibration for body in exports if body.calibration in work.spec.data]
    return tuple(dict.fromkeys([*trained, *(name for name in calibrating if name)]))


def fetched_name(data: str) -> str:
    """Return the name of the step that fetches a data set from its hub."""
    return f"{_FETCHED}{data}"


def tokens_name(step: str) -> str:
    """Return the name of the step that makes the tokens of a training step."""
    return f"tokens-{step}"


def prepared_name(data: str) -> str:
    """Return the name of the step that prepares a data set."""
    return f"{_PREPARED}{data}"


def is_prepared(data: DataSet) -> bool:
    """True when rows are changed or left out before anything learns from them."""
    return any(item is not None for item in (data.preprocess, data.filter, data.scrub, data.deduplicate))


def plug_in_identity(work: Work, kind: str, names: Iterable[str | None]) -> dict[str, str | None]:
    """Return which version of which package does the work of plug-ins; None for one that is not known here."""
    assert work.facts is not None
    known = {name: work.facts.plug_in(kind, name) for name in names if name is not None and is_plug_in(name)}
    return {f"plug_in.{kind}.{name}": str(found) if found else None for name, found in known.items()}


def families(work: Work, inputs: Mapping[str, StepInput]) -> tuple[str, ...]:
    """Return the families that packages describe, of the base model and of the models that a step names itself."""
    assert work.facts is not None
    named = [work.facts.models.get(item.path or "") for item in inputs.values() if item.role == "model"]
    models = [machine.base_model(work), *(model for model in named if model is not None)]
    return tuple(sorted({model.described_family.model_type for model in models if model.described_family}))


def family_identity(work: Work, inputs: Mapping[str, StepInput]) -> dict[str, str | None]:
    """Return which version of which package knows the families of a step's models."""
    assert work.facts is not None
    known = {name: work.facts.plug_in("family", name) for name in families(work, inputs)}
    return {f"plug_in.family.{name}": str(found) if found else None for name, found in known.items()}


def data_inputs(work: Work, key: str, name: str) -> dict[str, StepInput]:
    """Return a data set as inputs called `key`: the prepared rows where they are prepared, else its files."""
    assert work.spec is not None
    assert work.facts is not None
    if is_prepared(work.spec.data[name]):
        return {key: StepInput(role="data", step=prepared_name(name))}
    return unprepared_inputs(work, key, name)


def unprepared_inputs(work: Work, key: str, name: str) -> dict[str, StepInput]:
    """Return a data set as it was before anything is done to it: the rows that are fetched, or its files."""
    assert work.facts is not None
    facts = work.facts.data[name]
    if facts.remote:
        return {key: StepInput(role="data", step=fetched_name(name))}
    return file_inputs(key, "data", facts.files)


def data_digest(work: Work, name: str) -> dict[str, Any]:
    """Return what binds the content of a data set that is read as it is; of one that a step makes its step does."""
    assert work.spec is not None
    assert work.facts is not None
    made = is_prepared(work.spec.data[name]) or work.facts.data[name].remote
    return {} if made else {f"data.{name}": work.facts.data[name].digest}


def unknown_format(work: Work, name: str) -> str | None:
    """Say that what the rows of a data set are must be written, None when it need not be."""
    assert work.spec is not None
    assert work.facts is not None
    if not work.facts.data[name].remote or work.spec.data[name].format is not None:
        return None
    return f"rows on a hub are not looked into before they are fetched: write the `format` of `{name}`"


def reading_of(data: DataSet) -> dict[str, Any]:
    """Return how the rows of a data set are read, as far as the spec says anything but their format."""
    said = {
        "columns": data.columns,
        "replace": data.replace,
        "prompt_template": data.prompt_template,
        "subset": data.subset,
        "split": data.split,
    }
    return {key: value for key, value in said.items() if value is not None}


def identity_of(prefix: str, value: Any) -> dict[str, Any]:
    """Return what of a resolved body enters a step's digest, keyed by spec path."""
    flat: dict[str, Any] = {}
    for name in value.__dataclass_fields__:
        if name in _WITHOUT_EFFECT or (name == "runner" and value.runner is None):
            continue
        if name == "options":  # each stands in the spec where the others stand
            for option, given in getattr(value, name).items():
                _flatten(f"{prefix}.{option}", given, flat)
            continue
        _flatten(f"{prefix}.{'from' if name == 'from_step' else name}", getattr(value, name), flat)
    return flat


def _flatten(path: str, value: Any, flat: dict[str, Any]) -> None:
    if is_dataclass(value):
        flat.update(identity_of(path, value))
    elif isinstance(value, tuple):
        flat[path] = list(value)
    else:
        flat[path] = value


def upstream_identity(inputs: Mapping[str, StepInput], extra: Iterable[str] = ()) -> tuple[str, ...]:
    """Return the steps whose results enter this step."""
    return tuple(dict.fromkeys([*(item.step for item in inputs.values() if item.step), *extra]))


def launch(
    kind: str,
    argv: tuple[str, ...],
    *,
    device: str,
    threads: int,
    files: Mapping[str, str] | None = None,
    prepare: tuple[Process, ...] = (),
    parallelism: ResolvedParallelism | None = None,
    online: bool = False,
    more: Mapping[str, str] | None = None,
) -> Launch:
    """Return the launch of a kind: its environment's interpreter, the common environment variables and `more`."""
    variables = common_environment(device=device, threads=threads, parallelism=parallelism, online=online)
    return Launch(
        environment=KINDS[kind].environment if kind in KINDS else PLUGGED,
        command=Process(argv=argv, env=variables | dict(more or {})),
        prepare=prepare,
        files=files or {},
        processes_per_node=parallelism.processes_per_node if parallelism else 1,
        nodes=parallelism.nodes if parallelism else 1,
    )


def runner_argv(work: Work, kind: str) -> tuple[str, ...]:
    """Return the command line of a single-process runner: one of ours, or one that a package offers."""
    assert work.facts is not None
    known, plugged = KINDS.get(kind), work.facts.plug_in("runner", kind)
    module = known.module if known else (plugged.module if plugged else kind)
    return ("{python}", "-P", "-m", module, "run", "{bundle}")


def runner_parameters(runner: ResolvedRunner | None) -> dict[str, Any]:
    """Return what a package's runner is told beside what ours would be."""
    return {"options": dict(runner.options)} if runner else {}


def unknown_runner(work: Work, runner: ResolvedRunner) -> str | None:
    """Say that it is not known here who offers a runner; None when it is."""
    assert work.facts is not None
    if work.facts.plug_in("runner", runner.name) is not None:
        return None
    return f"it is not known which package offers the runner `{runner.name}`: `{PLUGGED}` is not installed here"


def environment_identity(work: Work, kind: str) -> dict[str, Any]:
    """Return the identity of what executes a kind: the runner's version and its environment's digest."""
    assert work.facts is not None
    known = KINDS.get(kind)
    if known is None:
        plugged, there = work.facts.plug_in("runner", kind), work.facts.environments.get(PLUGGED)
        return {
            f"plug_in.runner.{kind}": str(plugged) if plugged else None,
            f"environment.{PLUGGED}": there.digest if there else None,
        }
    environment = work.facts.environments.get(known.environment)
    return {
        f"runner.{kind}": known.version,
        f"environment.{known.environment}": environment.digest if environment else None,
    }


def limits_of(step: ResolvedStep) -> Limits:
    """Return the deadlines of a step."""
    stall, grace = STALL_AND_GRACE[step.verb]
    return Limits(total_seconds=step.timeout_seconds, stall_seconds=stall, grace_seconds=grace, retries=step.retries)


def not_executable(*reasons: str | None) -> str | None:
    """Join the reasons why a step can be planned but not run; None when there is none."""
    found = [reason for reason in reasons if reason]
    return "; ".join(found) or None


def unreadable_base(work: Work) -> str | None:
    """Say why the weights of the base can't be read by the environments' own libraries, None when they can."""
    return machine.base_model(work).unreadable_weights


def too_large(step: ResolvedStep) -> str | None:
    """Say that a model does not fit on one accelerator; evaluation and export do not spread a model yet."""
    estimate = step.estimate
    if (
        estimate.memory_bytes is None
        or estimate.capacity_bytes is None
        or estimate.memory_bytes <= estimate.capacity_bytes
    ):
        return None
    needed, there = estimate.memory_bytes / 1e9, estimate.capacity_bytes / 1e9
    return f"needs about {needed:.0f} GB where {there:.0f} GB are, and a model is not spread over accelerators here yet"


def provenance_of(work: Work, step: str, verb: str) -> dict[str, str]:
    """Return the provenance texts of a step's values, keyed by their path inside the verb."""
    assert work.resolved is not None
    return {path: str(origin) for path, origin in work.resolved.provenance_inside(step, verb).items()}


def _elsewhere(own: tuple[str, ...], environment: str) -> list[str]:
    """Say of families of packages that a step can't have them in its environment."""
    if environment == PLUGGED:
        return []
    return [f"the package that knows `{name}` models is looked for in `{PLUGGED}`, not `{environment}`" for name in own]


def made(work: Work, step: ResolvedStep, **values: Any) -> Step:
    """Return the plan step of a resolved step with what all have in common filled in."""
    assert work.spec is not None
    foreign = "running the code of a model's folder is not built yet" if work.spec.base.trust_remote_code else None
    inputs: Mapping[str, StepInput] = values.get("inputs", {})
    own = families(work, inputs)
    where = values["launch"].environment if values.get("launch") else PLUGGED
    values["not_executable"] = not_executable(values.get("not_executable"), foreign, *_elsewhere(own, where))
    if own:
        values["parameters"] = {**values["parameters"], "families": list(own)}
        values["identity"] = {**values["identity"], **family_identity(work, inputs)}
    return Step(
        name=step.name,
        verb=step.verb,
        estimate=step.estimate,
        limits=limits_of(step),
        resources=step.resources,
        provenance=provenance_of(work, step.name, step.verb),
        **values,
    )
