"""Gather what is known of a base model from where the spec says it is. Nothing is fetched, nothing heavy is loaded."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tunewright.compiler.collect.cache import FactCache
from tunewright.compiler.collect.confinement import OutsideError, everybodys, inside
from tunewright.compiler.collect.families import FamilyOf
from tunewright.compiler.collect.files import locate
from tunewright.compiler.collect.folders import collect_folder
from tunewright.compiler.collect.gguf_models import collect_gguf
from tunewright.compiler.collect.hubs import (
    HubReference,
    hugging_face_snapshot,
    is_fetched,
    model_scope_folder,
    parse_hub_reference,
)
from tunewright.compiler.collect.packages import PackageError, find_in_package
from tunewright.compiler.collect.partial import facts_without_weights
from tunewright.compiler.facts.families import family_of
from tunewright.compiler.facts.models import known_model
from tunewright.compiler.ir.facts import ModelFacts
from tunewright.compiler.ir.pins import ModelPin

_FORMS = "`dir:`, `gguf:`, `package:`, `hf://` or `ms://`"


def collect_model(
    source: str,
    base_directory: Path,
    *,
    cache: FactCache | None,
    package_paths: Sequence[str] | None = None,
    pin: ModelPin | None = None,
    family_named: FamilyOf = family_of,
) -> ModelFacts:
    """Return the facts of a model source; what is wrong with it becomes `problem`, a whole sentence.

    A hub model in the local hub cache is looked at there; else the catalogue of known shapes tells, without a digest.
    `package_paths` are the folders that `package:` looks through instead of this interpreter's own. `pin` is what a
    lock holds a hub model to, and what it was known to be. `family_named` knows the families of models.
    """
    scheme, _, rest = source.partition(":")
    match scheme:
        case "dir" | "gguf":
            return _collect_local(source, scheme, rest, base_directory, cache, family_named)
        case "package":
            with everybodys():
                return _collect_package(source, rest, cache, package_paths, family_named)
        case "hf" | "ms" if rest.startswith("//"):
            with everybodys():
                return _collect_hub(source, scheme, rest.removeprefix("//"), cache, pin, family_named)
        case _:
            return _unusable(source, f"{source} is not a model source; write {_FORMS}")


def _collect_local(
    source: str, scheme: str, written: str, base_directory: Path, cache: FactCache | None, family_named: FamilyOf
) -> ModelFacts:
    try:
        path = _local_path(written, base_directory)
    except OutsideError as error:
        return _unusable(source, f"{source} can't be used: {error.strerror}")
    if scheme == "gguf":
        return collect_gguf(source, path, cache=cache)
    return collect_folder(source, path, cache=cache, family_named=family_named)


def _local_path(written: str, base_directory: Path) -> Path:
    try:
        return locate(written, base_directory)
    except RuntimeError:  # `~name` of a user who does not exist
        return inside(base_directory / written)


def _collect_package(
    source: str,
    reference: str,
    cache: FactCache | None,
    search_paths: Sequence[str] | None,
    family_named: FamilyOf,
) -> ModelFacts:
    try:
        path, version = find_in_package(reference, search_paths)
    except PackageError as error:
        return _unusable(source, f"{source} can't be used: {error}")
    facts = (
        collect_gguf(source, path, cache=cache)
        if path.suffix == ".gguf"
        else collect_folder(source, path, cache=cache, family_named=family_named)
    )
    return replace(facts, revision=version)


def _collect_hub(
    source: str, scheme: str, text: str, cache: FactCache | None, pin: ModelPin | None, family_named: FamilyOf
) -> ModelFacts:
    reference = parse_hub_reference(text)
    if reference is None:
        return _unusable(source, f"{source} does not name a hub model; write {scheme}://organisation/name")
    if pin is None:
        return _collect_snapshot(source, scheme, reference, cache, family_named)
    # The lock tells it all: so a machine that has the model and one that has not plan the same.
    if (locked := pin.facts(source)) is not None:
        return locked
    wanted = replace(reference, revision=pin.revision or reference.revision)
    here = _collect_snapshot(source, scheme, wanted, cache, family_named)
    # Files of a hub's cache that are not what is pinned are of no use: what is pinned will be fetched.
    return pin.applied(here) if pin.digest else here


def _collect_snapshot(
    source: str, scheme: str, reference: HubReference, cache: FactCache | None, family_named: FamilyOf
) -> ModelFacts:
    if scheme == "hf":
        folder, commit = hugging_face_snapshot(reference) or (None, None)
    else:
        folder, commit = model_scope_folder(reference), reference.revision
    if folder is not None:
        facts = collect_folder(source, folder, cache=cache, kept=is_fetched, family_named=family_named)
        if facts.problem is None:
            return replace(facts, revision=commit)
        # Only a part of the model was fetched so far: no fault of the spec.
        if (shape := facts_without_weights(folder, family_named)).get("hidden_size"):
            return ModelFacts(source=source, origin="catalogue", revision=commit, **shape)
    known = known_model(reference.hub_id, source)
    return replace(known or ModelFacts(source=source, origin="unknown"), revision=reference.revision)


def _unusable(source: str, problem: str) -> ModelFacts:
    return ModelFacts(source=source, origin="unknown", problem=problem)
