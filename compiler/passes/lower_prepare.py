"""lower_prepare: data sets that ask for it -> a step each that scrubs and thins their rows, once for all users."""

from dataclasses import replace

from tunewright.compiler.facts.defaults import STALL_AND_GRACE
from tunewright.compiler.ir.plan import Limits, Step
from tunewright.compiler.passes import lowering, machine
from tunewright.compiler.passes.work import Work
from tunewright.spec.model.data import PERSONAL_KINDS, DataSet

_KIND = "prepare.data"


def lower_prepare(work: Work) -> Work:
    """Add a step for each data set that is prepared and used."""
    if work.resolved is None or work.spec is None:
        return work
    steps = [_lower(work, name) for name in lowering.used_data(work) if lowering.is_prepared(work.spec.data[name])]
    return replace(work, steps=(*work.steps, *steps))


def _lower(work: Work, name: str) -> Step:
    assert work.spec is not None
    assert work.facts is not None
    facts, data = work.facts.data[name], work.spec.data[name]
    parameters = {
        "name": name,
        "format": data.format or facts.format,
        "columns": data.columns,
        "preprocess": list(data.preprocess or ()),
        "filter": list(data.filter or ()),
        "scrub": list(scrubbed_kinds(data)),
        "deduplicate": data.deduplicate,
        **({"images": facts.images_digest} if facts.images else {}),
    }
    stall, grace = STALL_AND_GRACE["prepare"]
    return Step(
        name=lowering.prepared_name(name),
        verb="prepare",
        kind=_KIND,
        summary=_summary(data),
        inputs=lowering.unprepared_inputs(work, "data", name),
        parameters=parameters,
        launch=lowering.launch(
            _KIND, lowering.runner_argv(work, _KIND), device="cpu", threads=machine.threads(work.facts)
        ),
        limits=Limits(stall_seconds=stall, grace_seconds=grace),
        not_executable=lowering.unknown_format(work, name),
        identity={
            **({} if facts.remote else {f"data.{name}": facts.digest}),
            **{f"data.{name}.{key}": value for key, value in parameters.items() if key != "name"},
            **lowering.plug_in_identity(work, "preprocessor", data.preprocess or ()),
            **lowering.plug_in_identity(work, "filter", data.filter or ()),
            **lowering.environment_identity(work, _KIND),
        },
    )


def scrubbed_kinds(data: DataSet) -> tuple[str, ...]:
    """Return the kinds of personal data that are taken out, each by its name, in the order of the table."""
    asked = data.scrub or ()
    return tuple(kind for kind in PERSONAL_KINDS if kind in asked or "all" in asked)


def _summary(data: DataSet) -> str:
    kinds = scrubbed_kinds(data)
    scrub = "scrub " + ("all" if len(kinds) == len(PERSONAL_KINDS) else ", ".join(kinds))
    own = [*(data.preprocess or ()), *(data.filter or ())]
    duplicates = [f"{data.deduplicate} duplicates"] if data.deduplicate else []
    return "; ".join([*own, *([scrub] if kinds else []), *duplicates])
