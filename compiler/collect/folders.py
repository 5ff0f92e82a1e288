"""Look at a model folder in the Hugging Face layout: configuration, tokenizer, chat template, weights."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tunewright.compiler.collect.cache import FactCache
from tunewright.compiler.collect.chat_templates import template_hazard
from tunewright.compiler.collect.configuration import facts_of_configuration
from tunewright.compiler.collect.confinement import NotAFileError, OutsideError, hold_folder
from tunewright.compiler.collect.families import FamilyOf
from tunewright.compiler.collect.files import folder_entries
from tunewright.compiler.collect.partial import facts_without_weights
from tunewright.compiler.collect.safetensors import (
    DTYPES,
    SafetensorsError,
    StoredTensor,
    count_elements,
    linear_module_names,
    read_safetensors_header,
    weight_files,
)
from tunewright.compiler.collect.stops import unstopped_turn
from tunewright.compiler.collect.tokenizers import needs_code
from tunewright.compiler.collect.vocabularies import embedding_rows, lacks_end_token, misfit
from tunewright.compiler.estimate.parameters import count_parameters, has_shape
from tunewright.compiler.facts.families import Family, family_of, linear_names
from tunewright.compiler.ir.facts import ModelFacts
from tunewright.spec.canonical import digest_of_entries
from tunewright.spec.template_trial import templates_in

_CONFIGURATION = "config.json"
_TOKENIZERS = ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt", "tokenizer_config.json")
_TOKENIZER_SETTINGS = "tokenizer_config.json"
_SPECIAL_TOKENS = "special_tokens_map.json"
_OTHER_WEIGHTS = ("pytorch_model*.bin", "consolidated*.pth")
_LONGEST_JSON = 32 * 2**20
_TOO_MANY = 2**53  # a made-up shape; a plan could not even write the number


class _FolderError(ValueError):
    """The folder can't be used; the message says why, in words that go after its name."""


def collect_folder(
    source: str,
    folder: Path,
    *,
    cache: FactCache | None,
    kept: Callable[[str], bool] = lambda _: True,
    family_named: FamilyOf = family_of,
) -> ModelFacts:
    """Return the facts of a model folder; what is wrong with it becomes `problem`. `kept` says which files count."""
    shape: dict[str, Any] = {}
    try:
        if folder.is_dir():
            hold_folder(folder)
        shape = _shape(folder, family_named, cache)
        entries = folder_entries(folder, cache=cache, kept=kept)
        return ModelFacts(
            source=source,
            origin="folder",
            path=str(folder),
            **shape,
            digest=digest_of_entries(entries),
            file_digests=tuple((entry.path, f"sha256:{entry.sha256}") for entry in entries),
        )
    except _FolderError as error:
        problem = f"{source} {error}"
    except SafetensorsError as error:
        problem = f"{source} can't be used: {error}"
    except (OutsideError, NotAFileError) as error:
        return ModelFacts(source=source, origin="unknown", problem=f"{source} can't be used: {error.strerror}")
    except OSError as error:
        problem = f"{source} can't be read: {error.strerror or error}"
    # What the small files tell is known all the same: other mistakes are found in the same run.
    shape = shape or facts_without_weights(folder, family_named)
    return ModelFacts(source=source, origin="folder", path=str(folder), **shape, problem=problem)


def _shape(folder: Path, family_named: FamilyOf, cache: FactCache | None) -> dict[str, Any]:
    if not folder.is_dir():
        raise _FolderError("does not exist" if not folder.exists() else "is a file; `dir:` needs a folder")
    if not (folder / _CONFIGURATION).is_file():
        if (folder / "adapter_config.json").is_file():
            raise _FolderError("holds an adapter, not a model; name the model that it belongs to")
        if gguf := next(iter(sorted(folder.glob("*.gguf"))), None):
            raise _FolderError(
                f"has no `{_CONFIGURATION}`; for the GGUF file in it write `gguf:` and its path, {gguf.name}"
            )
        raise _FolderError(f"has no `{_CONFIGURATION}`, so it is not a model folder")
    fields = facts_of_configuration(_read_object(folder / _CONFIGURATION), family_named)
    fields["remote_code"] = fields["remote_code"] or needs_code(folder)
    files = weight_files(folder)
    others = [file for pattern in _OTHER_WEIGHTS for file in sorted(folder.glob(pattern))]
    if others and not files:
        raise _FolderError(
            f"has only pickled weights ({others[0].name}), which can run code when they are loaded: save them with "
            "`save_pretrained`, as safetensors"
        )
    if not files:
        raise _FolderError("has no weights (`model.safetensors`, or its parts with an index)")
    if not any((folder / name).is_file() for name in _TOKENIZERS):
        raise _FolderError("has no tokenizer (`tokenizer.json` or `tokenizer.model`)")
    tensors = [tensor for file in files for tensor in read_safetensors_header(file)]
    fields["weight_bytes"] = sum(file.stat().st_size for file in files)
    template = _template(folder)
    fields["chat_template"] = template is not None
    fields["template_hazard"] = template_hazard(templates_in(folder), cache)
    family = family_named(fields["model_type"])
    fields["unstopped_turn"] = _unstopped_turn(folder, family, template)
    fields["linear_modules"] = linear_module_names(tensors) or linear_names(family)
    fields["dtype"] = fields["dtype"] or _common_dtype(tensors)
    fields["num_parameters"] = _parameters(fields, tensors)
    _check_tokens(folder, fields, tensors, cache)
    return fields


def _check_tokens(folder: Path, fields: dict[str, Any], tensors: list[StoredTensor], cache: FactCache | None) -> None:
    """Hold tokenizer and configuration to the rows of the embedding; raise _FolderError where they don't fit."""
    settings = _read_object(folder / _TOKENIZER_SETTINGS) if (folder / _TOKENIZER_SETTINGS).is_file() else {}
    more = _read_object(folder / _SPECIAL_TOKENS) if (folder / _SPECIAL_TOKENS).is_file() else {}
    fields["end_token"] = False if lacks_end_token(settings, more) else None
    rows = embedding_rows(tensors) if fields["quantization"] is None else None
    if rows is None:
        return
    stated = fields.get("vocab_size")
    if stated is not None and stated != rows:
        raise _FolderError(f"has a `{_CONFIGURATION}` for {stated:,} tokens, and weights for {rows:,}")
    if (problem := misfit(folder, settings, rows, cache=cache)) is not None:
        raise _FolderError(problem)


def _parameters(fields: Mapping[str, Any], tensors: list[StoredTensor]) -> int | None:
    """Count what is stored; packed weights hold several parameters a number, so there the shape must tell."""
    if tensors and fields["quantization"] is None:
        return count_elements(tensors)
    facts = ModelFacts(source="", origin="folder", **fields)
    count = count_parameters(facts) if has_shape(facts) else _TOO_MANY
    return count if count < _TOO_MANY else None


def _common_dtype(tensors: list[StoredTensor]) -> str | None:
    if not tensors:
        return None
    largest = max(tensors, key=lambda tensor: count_elements([tensor]))
    return DTYPES.get(largest.dtype, largest.dtype.lower())


def _template(folder: Path) -> str | None:
    """Return the text of the chat template (empty where it is of a form that is not looked into), None without one."""
    if (written := folder / "chat_template.jinja").is_file():
        return written.read_bytes()[:_LONGEST_JSON].decode("utf-8", "replace")
    for name in ("chat_template.json", _TOKENIZER_SETTINGS):
        if (folder / name).is_file() and (template := _read_object(folder / name).get("chat_template")):
            return template if isinstance(template, str) else ""
    return None


def _unstopped_turn(folder: Path, family: Family | None, template: str | None) -> str | None:
    settings, generation = folder / _TOKENIZER_SETTINGS, folder / "generation_config.json"
    if not template or not settings.is_file():
        return None
    stops = _read_object(generation if generation.is_file() else folder / _CONFIGURATION)
    return unstopped_turn(family, template, _read_object(settings), stops)


def _read_object(path: Path) -> Mapping[str, Any]:
    if path.stat().st_size > _LONGEST_JSON:
        raise _FolderError(f"has a `{path.name}` of more than {_LONGEST_JSON // 2**20} MiB")
    try:
        value = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise _FolderError(f"has a `{path.name}` that is not JSON{_place(error)}") from error
    if not isinstance(value, dict):
        raise _FolderError(f"has a `{path.name}` that is not a JSON object")
    return value


def _place(error: Exception) -> str:
    match error:
        case json.JSONDecodeError():
            return f" (line {error.lineno}, column {error.colno}: {error.msg})"
        case UnicodeDecodeError():
            return f" (byte {error.start} is no UTF-8)"
        case _:
            return ""
