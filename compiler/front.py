"""The one door through which a spec is compiled: read the text, gather the facts it asks for, run the passes."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from tunewright.compiler.collect.cache import FactCache
from tunewright.compiler.collect.gather import collect
from tunewright.compiler.collect.progress import Progress
from tunewright.compiler.collect.request import DataRequest, FactRequest, ResourceRequest, SuiteRequest
from tunewright.compiler.ir.facts import EnvironmentFacts, Facts, HardwareFacts
from tunewright.compiler.ir.pins import DataPin, ModelPin, data_pins_of, data_source, pins_of
from tunewright.compiler.ir.plan import Plan
from tunewright.compiler.ir.resolved import ResolvedSpec
from tunewright.compiler.ir.tokens import TokenFacts
from tunewright.compiler.passes.apply_profile import profile_names
from tunewright.compiler.passes.secrets import variable_names
from tunewright.compiler.passes.work import Work
from tunewright.compiler.pipeline import lower, new_work, read, resolve
from tunewright.spec.diagnostics import Diagnostic
from tunewright.spec.document import Document
from tunewright.spec.model.data import DataSet
from tunewright.spec.model.document import Spec, named_plug_ins
from tunewright.spec.record import record
from tunewright.spec.source import SourceFile, Span
from tunewright.spec.syntax import MAX_BYTES


class SpecFileError(ValueError):
    """The spec can't be read as a file at all."""


@record(kw_only=True)
class Compilation:
    """Everything a compilation found: the forms as far as they came, and the findings sorted by place; and the lock
    that the spec's models were pinned by, `locked` when all of it was held to that.
    """

    source: SourceFile
    document: Document | None
    spec: Spec | None
    facts: Facts | None
    resolved: ResolvedSpec | None
    plan: Plan | None
    diagnostics: tuple[Diagnostic, ...]
    lock: SourceFile | None = None
    locked: bool = False
    #: What the plan is made of.
    work: Work

    @property
    def has_errors(self) -> bool:
        """True when nothing may run."""
        return self.plan is None

    def planned(self) -> "Compilation":
        """Return this with its plan, for what was compiled without."""
        return self if self.plan is not None else _compilation(lower(self.work))


def compile_file(
    path: Path,
    *,
    profile: str | None = None,
    sets: Sequence[str] = (),
    variables: Mapping[str, str] | None = None,
    environments: Mapping[str, EnvironmentFacts] | None = None,
    secrets_known: frozenset[str] | None = None,
    sinks_known: frozenset[str] | None = None,
    hardware: HardwareFacts | None = None,
    cache: FactCache | None = None,
    home: Path | None = None,
    policy: SourceFile | None = None,
    lock: SourceFile | None = None,
    locked: bool = True,
    progress: Progress | None = None,
    plan: bool = True,
) -> Compilation:
    """Compile a spec file as `compile_text` does; raise SpecFileError when there is no text to compile."""
    return compile_text(
        # Bytes that are no UTF-8 become lone surrogates, which the first pass points at.
        _content(path).decode("utf-8-sig", errors="surrogateescape"),
        name=str(path),
        base_directory=path.parent,
        profile=profile,
        sets=sets,
        variables=variables,
        environments=environments,
        secrets_known=secrets_known,
        sinks_known=sinks_known,
        hardware=hardware,
        cache=cache,
        home=home,
        policy=policy,
        lock=lock,
        locked=locked,
        progress=progress,
        plan=plan,
    )


def read_spec_file(path: Path) -> str:
    """Return the text of a spec file; raise SpecFileError with a sentence."""
    try:
        return _content(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SpecFileError(f"`{path}` is not UTF-8 text (byte {error.start})") from None


def _content(path: Path) -> bytes:
    try:
        # One byte more than is read at most tells "too long" without taking in gigabytes.
        with path.open("rb") as stream:
            return stream.read(4 * MAX_BYTES + 1)
    except FileNotFoundError:
        raise SpecFileError(f"there is no file `{path}`; `tunewright init` writes a spec to start from") from None
    except IsADirectoryError:
        raise SpecFileError(f"`{path}` is a folder; name the spec inside, such as `{path / 'life.yaml'}`") from None
    except OSError as error:
        raise SpecFileError(f"`{path}` can't be read: {error.strerror}") from None


def compile_text(
    text: str,
    *,
    name: str,
    base_directory: Path,
    profile: str | None = None,
    sets: Sequence[str] = (),
    variables: Mapping[str, str] | None = None,
    environments: Mapping[str, EnvironmentFacts] | None = None,
    secrets_known: frozenset[str] | None = None,
    sinks_known: frozenset[str] | None = None,
    hardware: HardwareFacts | None = None,
    cache: FactCache | None = None,
    home: Path | None = None,
    policy: SourceFile | None = None,
    lock: SourceFile | None = None,
    locked: bool = True,
    tokens: Mapping[str, TokenFacts] | None = None,
    progress: Progress | None = None,
    plan: bool = True,
) -> Compilation:
    """Compile a spec; paths in it are relative to `base_directory`; profiles that were not chosen are checked for shape
    too.

    `variables` are the values of `${env:NAME}`: when None, those of this process that the text mentions. `hardware` is
    the
    machine to plan for when the spec states none: when None, this one. `policy` and `lock` are what the spec is held
    to, where it is held to something; without `locked` the lock only pins the models of hubs. `tokens` are the lengths
    that were counted for data sets; `progress` hears how far the reading of long data files is. `plan` False: only the
    findings for now, in half the time; `planned` goes on from there.
    """
    text = text.removeprefix("\ufeff")
    if variables is None:
        variables = set_variables(text, *sets)
    given = new_work(
        text,
        name,
        profile=profile,
        sets=tuple(sets),
        variables=variables,
        policy=policy,
        lock=lock,
        locked=locked and lock is not None,
    )
    work = read(given)
    _check_other_profiles(work)
    if work.spec is not None:
        facts = collect(
            request_for(work.spec, pins_of(lock.text if lock else None), data_pins_of(lock.text if lock else None)),
            base_directory,
            environments=environments or {},
            secrets_known=secrets_known,
            sinks_known=sinks_known,
            hardware=hardware,
            cache=cache,
            home=home,
            progress=progress,
        )
        work = resolve(replace(work, facts=replace(facts, tokens=tokens or {})))
    return _compilation(lower(work) if plan else work)


def _compilation(work: Work) -> Compilation:
    return Compilation(
        source=work.source,
        document=work.document,
        spec=work.spec,
        facts=work.facts,
        resolved=work.resolved,
        plan=work.plan,
        diagnostics=tuple(work.sink),
        lock=work.lock,
        locked=work.locked,
        work=work,
    )


def set_variables(*texts: str) -> dict[str, str]:
    """Return those variables of this process that texts mention, and nothing else of its environment."""
    return {name: os.environ[name] for name in sorted(variable_names(*texts)) if name in os.environ}


def _check_other_profiles(work: Work) -> None:
    """A profile with a mistake is found now, not on the day it is needed."""
    if work.document is None:
        return
    for other in profile_names(work.document):
        inside = work.document.node(("profiles", other))
        if other == work.profile or inside is None:
            continue
        checked = read(new_work(work.source.text, work.source.name, profile=other, variables=work.variables))
        # Its variables need to be set only where it is chosen.
        findings = [item for item in checked.sink if item.code != "TW1018"]
        work.sink.extend(item for item in findings if _is_inside(item.primary.span, inside.span))


def _is_inside(inner: Span, outer: Span) -> bool:
    return inner.source.name == outer.source.name and outer.start <= inner.start <= outer.end


def _other_models(spec: Spec) -> Iterator[str]:
    for step in spec.steps.values():
        yield from (source for _, source in step.train.other_models() if ":" in source) if step.train else ()


def request_for(
    spec: Spec, pins: Mapping[str, ModelPin] | None = None, data_pins: Mapping[str, DataPin] | None = None
) -> FactRequest:
    """Return what must be found out before a spec can be compiled."""
    resources = spec.resources
    schemas = [suite.json_schema for suite in spec.suites.values() if suite.json_schema]
    folders = [suite.data for suite in spec.suites.values() if suite.data]
    return FactRequest(
        models=tuple(dict.fromkeys([spec.base.model, *_other_models(spec)])),
        pins=pins or {},
        data={
            name: DataRequest(
                sources=data.source,
                format=data.format,
                columns=data.columns,
                replace=data.replace,
                pin=_pin_of(data, (data_pins or {}).get(name)),
                limit=data.limit,
            )
            for name, data in spec.data.items()
        },
        suites={
            name: SuiteRequest(file=suite.file, metric=suite.metric, limit=suite.limit)
            for name, suite in spec.suites.items()
            if suite.file
        },
        files=tuple(dict.fromkeys([*schemas, *folders])),
        plug_ins=tuple(dict.fromkeys(kind for kind, _, _ in named_plug_ins(spec))),
        scratch=_scratch(spec),
        resources=ResourceRequest(
            accelerator=resources.accelerator, count=resources.count or 1, nodes=resources.nodes or 1
        )
        if resources
        else None,
    )


def _scratch(spec: Spec) -> tuple[str, ...]:
    layouts = (step.train.parallelism for step in spec.steps.values() if step.train is not None)
    return tuple(dict.fromkeys(layout.nvme_path for layout in layouts if layout is not None and layout.nvme_path))


def _pin_of(data: DataSet, pin: DataPin | None) -> DataPin | None:
    """A pin counts for what it was made of: of another source or split the lock says nothing."""
    return pin if pin is not None and pin.source == data_source(data.source, data.subset, data.split) else None
