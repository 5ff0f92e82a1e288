"""Layers that get adapters: named by their last words, by the ends of their paths, or by one pattern."""

import re

from tunewright.compiler.importers.draft import Drafting, Said
from tunewright.compiler.importers.options import Options
from tunewright.compiler.importers.training import Training

_NAME = re.compile(r"[\w-]+(?:\.[\w-]+)*", re.ASCII)
_ALL = frozenset({"all", "ALL", "all-linear", "all_linear"})
_LONGEST = 500


def set_layers(said: Said | None, step: Training, default: Said | None) -> None:
    """Set the layers of the adapters; one entry that is no name is a regular expression, as in PEFT."""
    if said is None:
        step.set("tuner.target_modules", default)
        return
    written: tuple[str, ...] = said.value
    if len(written) == 1 and not _NAME.fullmatch(written[0]) and written[0] not in _ALL:
        if _is_pattern(written[0]):
            step.set("tuner.target_pattern", Said(written[0], said.origin))
        else:
            step.drafting.refuse(said.origin, "is no regular expression over the names of layers")
        return
    step.set("tuner.target_modules", Said(_names(written, said.origin, step.drafting), said.origin))


def _names(written: tuple[str, ...], origin: str, drafting: Drafting) -> tuple[str, ...]:
    if _ALL & {*written}:
        if others := [name for name in written if name not in _ALL]:
            drafting.lose(f"{origin}: {' '.join(others)}", "beside all linear layers no others get adapters")
        return ("all-linear",)
    if strange := [name for name in written if not _NAME.fullmatch(name)]:
        drafting.refuse(f"{origin}: {strange[0]}", "layers are named by names, or all of them by one pattern")
    return tuple(dict.fromkeys(written))


def _is_pattern(text: str) -> bool:
    try:
        re.compile(text)
    except (re.error, RecursionError):
        return False
    return len(text) <= _LONGEST


def set_encoder(options: Options, step: Training, *frozen: str) -> None:
    """Say what becomes of switches that let an image encoder rest: beside adapters it does so here too."""
    for name in frozen:
        said = options.flag(name)
        if said is None:
            continue
        if said.value and step.get("tuner.type") != "full":
            step.drafting.leave(said.origin, "the image encoder gets no adapters here either")
        else:
            step.drafting.lose(said.origin, "which parts of a vision model learn can't be chosen")


def set_saved(options: Options, step: Training, name: str) -> None:
    """Set the modules that learn in full beside the adapters."""
    saved = options.words(name)
    if saved is None:
        return
    # Megatron calls the two tables otherwise.
    ours = {"word_embeddings": "embed_tokens", "output_layer": "lm_head"}
    named = tuple(ours.get(word, word) for word in saved.value)
    if step.get("tuner.type") == "full":
        step.drafting.leave(saved.origin, "all weights learn")
    elif named:
        step.set("tuner.modules_to_save", Said(named, saved.origin))
