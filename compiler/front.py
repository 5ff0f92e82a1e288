"""The one door through which a spec is compiled: read the text, gather the facts it asks for, run the passes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tunewright.compiler.collect import collect
from tunewright.compiler.collect.cache import FactCache
from tunewright.compiler.collect.request import DataRequest, FactRequest, ResourceRequest, SuiteRequest
from tunewright.compiler.ir.facts import EnvironmentFacts, Facts
from tunewright.compiler.ir.plan import Plan
from tunewright.compiler.ir.resolved import ResolvedSpec
from tunewright.compiler.passes.apply_profile import profile_names
from tunewright.compiler.passes.work import Work
from tunewright.compiler.pipeline import compile_work, new_work, read
from tunewright.spec.diagnostics import Diagnostic
from tunewright.spec.document import Document
from tunewright.spec.model.document import Spec
from tunewright.spec.source import SourceFile
from tunewright.spec.syntax import MAX_BYTES


class SpecFileError(ValueError):
    """The spec can't be read as a file at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compilation:
    """Everything a compilation found: the forms as far as they came, and the findings sorted by place."""

    source: SourceFile
    document: Document | None
    spec: Spec | None
    facts: Facts | None
    resolved: ResolvedSpec | None
    plan: Plan | None
    diagnostics: tuple[Diagnostic, ...]

    @property
    def has_errors(self) -> bool:
        """True when nothing may run."""
        return self.plan is None


def compile_file(
    path: Path, *, profile: str | None = None, sets: Sequence[str] = (), environments: Mapping[str, EnvironmentFacts] | None = None,
    cache: FactCache | None = None, home: Path | None = None,
) -> Compilation:  # fmt: skip
    """Compile a spec file; raise SpecFileError when there is no text to compile."""
    return compile_text(
        read_spec_file(path), name=str(path), base_directory=path.parent, profile=profile, sets=sets, environments=environments, cache=cache, home=home
    )


def read_spec_file(path: Path) -> str:
    """Return the text of a spec file; raise SpecFileError with a sentence."""
    try:
        # One byte more than is read at most tells "too long" without taking in gigabytes.
        with path.open("rb") as stream:
            content = stream.read(4 * MAX_BYTES + 1)
        return content.decode("utf-8-sig")
    except FileNotFoundError:
        raise SpecFileError(f"there is no file `{path}`; `tunewright init` writes a spec to start from") from None
    except IsADirectoryError:
        raise SpecFileError(f"`{path}` is a folder; name the spec inside, such as `{path / 'life.yaml'}`") from None
    except UnicodeDecodeError as error:
        raise SpecFileError(f"`{path}` is not UTF-8 text (byte {error.start})") from None
    except OSError as error:
        raise SpecFileError(f"`{path}` can't be read: {error.strerror}") from None


def compile_text(
    text: str, *, name: str, base_directory: Path, profile: str | None = None, sets: Sequence[str] = (),
    environments: Mapping[str, EnvironmentFacts] | None = None, cache: FactCache | None = None, home: Path | None = None,
) -> Compilation:  # fmt: skip
    """Compile a spec; paths in it are relative to `base_directory`; profiles that were not chosen are checked for shape too."""
    work = read(new_work(text, name, profile=profile, sets=tuple(sets)))
    _check_other_profiles(work)
    if work.spec is not None:
        facts = collect(request_for(work.spec), base_directory, environments=environments or {}, cache=cache, home=home)
        work = compile_work(replace(work, facts=facts))
    return Compilation(
        source=work.source, document=work.document, spec=work.spec, facts=work.facts, resolved=work.resolved, plan=work.plan,
        diagnostics=tuple(work.sink),
    )  # fmt: skip


def _check_other_profiles(work: Work) -> None:
    """A profile with a mistake is found now, not on the day it is needed."""
    if work.document is None:
        return
    for other in profile_names(work.document):
        if other != work.profile:
            checked = read(replace(new_work(work.source.text, work.source.name, profile=other)))
            inside = work.document.node(("profiles", other))
            if inside is not None:
                work.sink.extend(
                    item for item in checked.sink
                    if item.primary.span.source.name == work.source.name and inside.span.start <= item.primary.span.start <= inside.span.end
                )  # fmt: skip


def request_for(spec: Spec) -> FactRequest:
    """Return what must be found out before a spec can be compiled."""
    resources = spec.resources
    deploys = [step.deploy for step in spec.steps.values() if step.deploy is not None]
    schemas = [suite.json_schema for suite in spec.suites.values() if suite.json_schema]
    folders = [suite.data for suite in spec.suites.values() if suite.data]
    return FactRequest(
        models=(spec.base.model,),
        data={name: DataRequest(sources=data.source, format=data.format) for name, data in spec.data.items()},
        suites={name: SuiteRequest(file=suite.file, metric=suite.metric) for name, suite in spec.suites.items() if suite.file},
        files=tuple(dict.fromkeys([*schemas, *folders])),
        resources=ResourceRequest(accelerator=resources.accelerator, count=resources.count or 1, nodes=resources.nodes or 1) if resources else None,
        ports=tuple(dict.fromkeys(deploy.port for deploy in deploys if deploy.port is not None)),
    )
