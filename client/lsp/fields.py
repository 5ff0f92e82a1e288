"""What the language says about a path: the words below each field of `spec/model/`, kinds of values, accepted words."""

import inspect
from functools import cache
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel

from tunewright.spec import methods, tuners
from tunewright.spec.document import Path
from tunewright.spec.jsonschema import field_texts
from tunewright.spec.meanings import MEANINGS
from tunewright.spec.vocabulary import annotation_at, known_keys, known_values, section_at

_KINDS = {str: "text", int: "whole number", float: "number", bool: "true or false", dict: "mapping", tuple: "list"}
_texts = cache(field_texts)

#: Sections in which one key decides what others mean something: that key, and the words that each of the others is for.
_OWNERS = {"Train": ("method", methods.OWNERS), "Tuner": ("type", tuners.OWNERS)}


def language_path(path: Path) -> Path:
    """Return a path as the language knows it: a profile is written like the document itself."""
    return path[2:] if len(path) >= 2 and path[0] == "profiles" else path


def keys_at(path: Path) -> tuple[str, ...]:
    """Return the keys that may stand in the mapping at a path."""
    return known_keys(language_path(path))


def deciding_key(path: Path) -> str | None:
    """Return the key whose word decides which other keys mean something in the mapping at a path."""
    return _OWNERS.get(_section_name(language_path(path)), (None, {}))[0]


def is_foreign(path: Path, key: str, word: str) -> bool:
    """Say whether a key of the mapping at a path means nothing where the deciding key has a word."""
    owners = _OWNERS[_section_name(language_path(path))][1].get(key)
    return owners is not None and word not in owners


def meaning_at(path: Path, word: str) -> str:
    """Return what one of the accepted words at a path means; empty where the language has no text for it."""
    path = language_path(path)
    return MEANINGS.get(f"{_section_name(path[:-1])}.{path[-1]}", {}).get(word, "") if path else ""


def words_at(path: Path) -> tuple[str, ...]:
    """Return the words that may stand as the value at a path."""
    return known_values(language_path(path))


def text_at(path: Path) -> str:
    """Return what the language says about what stands at a path; empty for what users name themselves."""
    path = language_path(path)
    if not path:
        return ""
    parent = section_at(path[:-1])
    if parent is not None:
        return _texts(parent).get(str(path[-1]), "")
    own = section_at(path)
    return inspect.cleandoc(own.__doc__ or "") if own is not None else ""


def kind_at(path: Path) -> str:
    """Return what kind of value stands at a path: `number`, `text`, `mapping`, or the words it may be."""
    return _kind(annotation_at(language_path(path)))


def is_section(path: Path) -> bool:
    """True where a mapping stands, so that what follows its key begins on the next line."""
    annotation = annotation_at(language_path(path))
    return _kind(annotation) == "mapping"


def _section_name(path: Path) -> str:
    section = section_at(path)
    return section.__name__ if section is not None else ""


def _kind(annotation: Any) -> str:
    if get_origin(annotation) is Literal:
        return " | ".join(str(word) for word in get_args(annotation))
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "mapping"
    return _KINDS.get(get_origin(annotation) or annotation, "")
