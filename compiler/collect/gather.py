"""Gather the facts that a compilation may know. The only part of the compiler that looks at the world."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from tunewright.compiler.collect.cache import FactCache
from tunewright.compiler.collect.data import collect_data, collect_suite
from tunewright.compiler.collect.families import Families
from tunewright.compiler.collect.files import collect_file
from tunewright.compiler.collect.hardware import collect_hardware, scratch_free, stated_hardware
from tunewright.compiler.collect.models import collect_model
from tunewright.compiler.collect.overlaps import collect_overlaps
from tunewright.compiler.collect.plug_ins import collect_plug_ins
from tunewright.compiler.collect.progress import Progress
from tunewright.compiler.collect.request import FactRequest, ResourceRequest
from tunewright.compiler.ir.facts import EnvironmentFacts, Facts, HardwareFacts


def collect(
    request: FactRequest,
    base_directory: Path,
    *,
    cache: FactCache | None,
    environments: Mapping[str, EnvironmentFacts] | None = None,
    secrets_known: frozenset[str] | None = None,
    sinks_known: frozenset[str] | None = None,
    hardware: HardwareFacts | None = None,
    home: Path | None = None,
    package_paths: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> Facts:
    """Return the facts that were asked for; relative paths start at `base_directory`, the spec's folder.

    Nothing raises for what a user can get wrong: missing files, broken rows and unusable models are facts too.
    `home` is where runs will write; `package_paths` is where `package:` sources are looked for instead of `sys.path`.
    `hardware` is the machine to plan for instead of this one; what the spec states goes before both. `progress` hears
    how far the reading of long data files is.
    """
    train = _folder_of("train", environments)
    families = Families(train)
    models = {
        source: collect_model(
            source,
            base_directory,
            cache=cache,
            package_paths=package_paths,
            pin=request.pins.get(source),
            family_named=families.of,
        )
        for source in request.models
    }
    data = {
        name: collect_data(
            wanted.sources,
            wanted.format,
            base_directory,
            columns=wanted.columns,
            replace=wanted.replace,
            pin=wanted.pin,
            cache=cache,
            progress=progress,
        )
        for name, wanted in request.data.items()
    }
    suites = {
        name: collect_suite(wanted.file, wanted.metric, base_directory, cache=cache, progress=progress)
        for name, wanted in request.suites.items()
    }
    limits = {("data", name): wanted.limit for name, wanted in request.data.items()}
    limits |= {("suites", name): wanted.limit for name, wanted in request.suites.items()}
    return Facts(
        models=models,
        data=data,
        suites=suites,
        overlaps=collect_overlaps(data, suites, limits, cache=cache),
        files={written: collect_file(written, base_directory, cache=cache) for written in request.files},
        environments=dict(environments or {}),
        plug_ins=(*collect_plug_ins(request.plug_ins, train), *families.used),
        hardware=_with_scratch(_hardware(request.resources, hardware, home), request.scratch),
        secrets_known=secrets_known,
        sinks_known=sinks_known,
    )


def _folder_of(name: str, environments: Mapping[str, EnvironmentFacts] | None) -> str | None:
    found = (environments or {}).get(name)
    return found.path if found is not None else None


def _with_scratch(machine: HardwareFacts, folders: Sequence[str]) -> HardwareFacts:
    """Look at the folders of this machine; of one that is only stated nothing is known."""
    if machine.stated or not folders:
        return machine
    found = {folder: scratch_free(Path(folder)) for folder in folders}
    return replace(machine, scratch_free_bytes={**found, **machine.scratch_free_bytes})


def _hardware(stated: ResourceRequest | None, given: HardwareFacts | None, home: Path | None) -> HardwareFacts:
    if stated is None:
        return given or collect_hardware(home)
    found = stated_hardware(stated.accelerator, stated.count, stated.nodes, stated.memory_bytes, stated.cpu_cores)
    # An unknown accelerator is a mistake in the spec that a rule points at; until it is mended, nothing is assumed.
    return found or HardwareFacts(cpu_cores=stated.cpu_cores or 1, memory_bytes=0, nodes=stated.nodes, stated=True)
