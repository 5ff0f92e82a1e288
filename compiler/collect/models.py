"""Gather what is known of a base model from where the spec says it is. Nothing is fetched, nothing heavy is loaded."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tunewright.compiler.collect.cache import FactCache
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
) -> ModelFacts:
    """Return the facts of a model source; what is wrong with it becomes `problem`, a whole sentence.

    A hub model in the local hub cache is looked at there; else the catalogue of known shapes tells, without a digest.
    `package_paths` are the folders that `package:` looks through instead of this interpreter's own. `pin` is what a
    lock holds a hub model to, and what it was known to be.
    """
    scheme, _, rest = source.partition(":")
    match scheme:
        case "dir":
            return collect_folder(source, _absolute(rest, base_directory), cache=cache)
        case "gguf":
            return collect_gguf(source, _absolute(rest, base_directory), cache=cache)
        case "package":
            return _collect_package(source, rest, cache, package_paths)
        case "hf" | "ms" if rest.startswith("//"):
            return _collect_hub(source, scheme, rest.removeprefix("//"), cache, pin)
        case _:
            return _unusable(source, f"{source} is not a model source; write {_FORMS}")


def _collect_package(
    source: str, reference: str, cache: FactCache | None, search_paths: Sequence[str] | None
) -> ModelFacts:
    try:
        path, version = find_in_package(reference, search_paths)
    except PackageError as error:
        return _unusable(source, f"{source} can't be used: {error}")
    collect = collect_gguf if path.suffix == ".gguf" else collect_folder
    return replace(collect(source, path, cache=cache), revision=version)


def _collect_hub(source: str, scheme: str, text: str, cache: FactCache | None, pin: ModelPin | None) -> ModelFacts:
    reference = parse_hub_reference(text)
    if reference is None:
        return _unusable(source, f"{source} does not name a hub model; write {scheme}://organisation/name")
    if pin is None:
        return _collect_snapshot(source, scheme, reference, cache)
    # The lock tells it all: so a machine that has the model and one that has not plan the same.
    if (locked := pin.facts(source)) is not None:
        return locked
    here = _collect_snapshot(source, scheme, replace(reference, revision=pin.revision or reference.revision), cache)
    # Files of a hub's cache that are not what is pinned are of no use: what is pinned will be fetched.
    return pin.applied(here) if pin.digest else here


def _collect_snapshot(source: str, scheme: str, reference: HubReference, cache: FactCache | None) -> ModelFacts:
    if scheme == "hf":
        folder, commit = hugging_face_snapshot(reference) or (None, None)
    else:
        folder, commit = model_scope_folder(reference), reference.revision
    if folder is not None:
        facts = collect_folder(source, folder, cache=cache, kept=is_fetched)
        if facts.problem is None:
            return replace(facts, revision=commit)
        # Only a part of the model was fetched so far: no fault of the spec.
        if (shape := facts_without_weights(folder)).get("hidden_size"):
            return ModelFacts(source=source, origin="catalogue", revision=commit, **shape)
    known = known_model(reference.hub_id, source)
    return replace(known or ModelFacts(source=source, origin="unknown"), revision=reference.revision)


def _absolute(written: str, base_directory: Path) -> Path:
    try:
        return locate(written, base_directory)
    except RuntimeError:  # `~name` of a user who does not exist
        return base_directory / written


def _unusable(source: str, problem: str) -> ModelFacts:
    return ModelFacts(source=source, origin="unknown", problem=problem)
