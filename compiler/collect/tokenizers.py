"""Find the tokenizer of a base model on this machine: in its folder, in a hub's cache, beside what a GGUF became."""

import json
from pathlib import Path

from tunewright.compiler.collect.cache import FactCache
from tunewright.compiler.collect.files import file_digest
from tunewright.compiler.collect.places import PlaceError, place_of
from tunewright.compiler.ir.facts import ModelFacts
from tunewright.spec.canonical import digest_of

#: Files that decide which tokens a conversation becomes; a folder without one of the first has no tokenizer.
_VOCABULARIES = ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt")
_SETTINGS = (
    "added_tokens.json", "chat_template.jinja", "chat_template.json", "config.json", "merges.txt",
    "special_tokens_map.json", "tokenizer_config.json",
)  # fmt: skip
_LONGEST_SETTINGS = 32 * 2**20


class NoTokenizerError(ValueError):
    """There is no tokenizer that could be used here; the message says why in a few words."""


def tokenizer_folder(model: ModelFacts, base_directory: Path, converted: Path) -> Path:
    """Return the folder whose tokenizer belongs to a model; raise NoTokenizerError.

    `converted` is the shared cache of models made from GGUF files, which hold no tokenizer that others can read.
    """
    if model.origin == "gguf":
        folder = _converted(model, converted)
    else:
        try:
            folder = place_of(model.source, base_directory)
        except PlaceError as error:
            raise NoTokenizerError("the model is not on this machine yet") from error
    if not any((folder / name).is_file() for name in _VOCABULARIES):
        raise NoTokenizerError(f"{model.source} has no tokenizer here")
    if needs_code(folder):
        raise NoTokenizerError("its tokenizer is Python code of the model's folder, which `plan` never runs")
    return folder


def tokenizer_digest(folder: Path, *, cache: FactCache | None) -> str:
    """Return a digest of the tokenizer and its chat template; raise OSError when a file can't be read."""
    files = [folder / name for name in sorted((*_VOCABULARIES, *_SETTINGS))]
    return digest_of({file.name: file_digest(file, cache=cache) for file in files if file.is_file()})


def _converted(model: ModelFacts, converted: Path) -> Path:
    digest = (model.digest or "unknown").removeprefix("sha256:")
    folders = sorted(item for item in converted.glob(f"{digest}-*") if item.is_dir())
    if not folders:
        raise NoTokenizerError("the GGUF file has not been converted yet; its first run does that")
    return folders[-1]


def needs_code(folder: Path) -> bool:
    """Say whether the tokenizer of a model folder is Python code that lies beside it."""
    settings = folder / "tokenizer_config.json"
    try:
        if settings.stat().st_size > _LONGEST_SETTINGS:
            return False
        return "AutoTokenizer" in (json.loads(settings.read_bytes()).get("auto_map") or {})
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        return False
