"""Runner of `fetch.model`: a GGUF file, a folder or a hub name becomes one normal model folder in outputs/."""

import os
import shutil
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from tunewright.runners import contract
from tunewright.runners.contract import ExitCode, Input, StepFile
from tunewright.runners.families import register_families
from tunewright.runners.hubs.bring import bring
from tunewright.runners.hubs.repository import repository_of
from tunewright.runners.model_sources import cache
from tunewright.runners.model_sources.check import check_model
from tunewright.runners.model_sources.folder import take_folder
from tunewright.runners.model_sources.gguf import CONVERSION, convert_gguf
from tunewright.runners.sdk import Manifest, Reporter, StepFailedError, main

MANIFEST = Manifest(
    name="fetch-model",
    version="1",
    kinds=("fetch.model",),
    capabilities=("gguf", "folder", "hf", "ms"),
    environment="train",
    packages=("torch", "transformers", "gguf", "safetensors", "huggingface_hub"),
)

#: What makes a model.
_FETCHED_SUFFIXES = (".safetensors", ".json", ".jinja", ".txt", ".model", ".tiktoken")


def work(step: StepFile, bundle: Path, report: Reporter) -> None:
    """Fill outputs/ with the model; what was fetched or converted before comes from the shared cache."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    outputs = bundle / contract.OUTPUTS
    shutil.rmtree(outputs, ignore_errors=True)
    outputs.mkdir()
    key = _cache_key(step)
    figures = cache.load(key, outputs) if key else None
    if figures is None:
        _set_threads(step.parameters.get("threads"))
        _fetch(step, bundle, outputs, report)
        register_families(step.parameters.get("families", ()))
        figures = check_model(outputs, report)
        if key:
            _keep(key, outputs, figures, report)
    else:
        report.phase("taken from the cache")
    report.summary(**figures)
    report.emit("artifact", role="model", path=contract.OUTPUTS)


def _fetch(step: StepFile, bundle: Path, outputs: Path, report: Reporter) -> None:
    source = step.parameters.get("source")
    given = step.inputs.get("weights")
    if given is None and isinstance(source, str):
        report.phase(f"fetching {source}")
        repository = repository_of(
            source,
            revision=step.parameters.get("revision"),
            endpoint=step.parameters.get("endpoint"),
            token=_token(step),
        )
        folder = cache.shared_folder("hub") or bundle / contract.WORK / "hub"
        brought = bring(repository, folder, report, choose=_model_files, pins=step.parameters.get("files"))
        take_folder(brought.folder, outputs, report, names=brought.names)
        return
    path = _input_path(given)
    if path.is_dir():
        take_folder(path, outputs, report)
    else:
        convert_gguf(path, outputs, report)


def _model_files(names: Sequence[str], _: Callable[[str], str]) -> list[str]:
    """Folders inside hold other formats of the same weights."""
    return [name for name in names if "/" not in name and name.endswith(_FETCHED_SUFFIXES)]


def _token(step: StepFile) -> str | None:
    given = step.inputs.get("secret.token")
    return Path(given.path).read_text(encoding="utf-8").strip() if given else None


def _input_path(given: Input | None) -> Path:
    if given is None:
        raise StepFailedError(
            "the step names neither an input `weights` nor a `source`", reason="NO_SOURCE", code=ExitCode.NOT_UNDERSTOOD
        )
    path = Path(given.path)
    if not path.exists():
        raise StepFailedError(
            f"{path} is gone", reason="INPUT_MISSING", help="put the file back, or change the source in the spec"
        )
    return path


def _cache_key(step: StepFile) -> str | None:
    """Return the cache's key of what is converted: the input's digest and what decides the bytes made of it.

    A folder is only copied, so keeping a second copy of it would gain nothing.
    """
    given = step.inputs.get("weights")
    if given is None or not given.digest or Path(given.path).is_dir():
        return None
    return f"{given.digest.removeprefix('sha256:')}-{CONVERSION}-{metadata.version('transformers')}"


def _keep(key: str, outputs: Path, figures: dict[str, Any], report: Reporter) -> None:
    try:
        cache.store(key, outputs, figures)
    except OSError as error:
        report.emit("warning", code="cache-not-written", message=f"the model was not kept for other runs: {error}")


def _set_threads(threads: int | None) -> None:
    if threads:
        import torch

        torch.set_num_threads(threads)


if __name__ == "__main__":
    main(MANIFEST, work)
