"""Layers that get adapters: the language names them by their last word, the frameworks by paths and patterns too."""

import re

from tunewright.compiler.importers.draft import Drafting, Said

_NAME = re.compile(r"[\w-]+", re.ASCII)
_PATH = re.compile(r"[\w.-]+\.([\w-]+)", re.ASCII)
_ALL = frozenset({"all", "ALL", "all-linear", "all_linear"})
_LONGEST = 500


def layer_names(said: Said, drafting: Drafting) -> Said:
    """Return the last words of the layers; a place in front of them is reported, a pattern without words refused."""
    names: list[str] = []
    for written in said.value:
        found = ("all-linear",) if written in _ALL else _last_words(written[:_LONGEST])
        if not found:
            drafting.refuse(said.origin, "layers are named by their last word here, not by patterns")
        elif not _NAME.fullmatch(written):
            drafting.lose(said.origin, "layers are named by their last word: wherever it occurs it gets adapters")
        names += found
    return Said(("all-linear",) if "all-linear" in names else tuple(dict.fromkeys(names)), said.origin)


def _last_words(written: str) -> tuple[str, ...]:
    if _NAME.fullmatch(written):
        return (written,)
    if match := _PATH.fullmatch(written):
        return (match[1],)
    groups = re.findall(r"\(([\w|]+)\)((?:_\w+)?)\$?$", written, re.ASCII)
    return tuple(f"{word}{groups[-1][1]}" for word in groups[-1][0].split("|") if word) if groups else ()
