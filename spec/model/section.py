"""The base of every section, and the scalar types that sections share."""

import re
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from tunewright.spec.plug_ins import NAME_PATTERN as PLUG_IN_PATTERN


class Section(BaseModel):
    """A section of the spec: frozen, strict, no unknown keys."""

    # Validators are built when first used: a spec needs one of the two dozen, which holds the others.
    model_config = ConfigDict(
        frozen=True, strict=True, extra="forbid", populate_by_name=True, allow_inf_nan=False, defer_build=True
    )


NAME_PATTERN = r"^[a-z][a-z0-9_]{0,62}$"

Name = Annotated[str, StringConstraints(pattern=NAME_PATTERN)]
"""A name within the spec: lower-case letters, digits, `_`; gates use it in expressions."""

SpecName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,62}$")]
"""The name of a spec: lower-case letters, digits, `-`."""

_DURATION = re.compile(r"(?:(\d+)d)?\s*(?:(\d+)h)?\s*(?:(\d+)m(?!s))?\s*(?:(\d+(?:\.\d+)?)s)?\s*(?:(\d+)ms)?\Z")

#: Clocks and stores count so far, and nobody waits longer: a hundred years, eight pebibytes.
_LONGEST_SECONDS, _LARGEST_BYTES = 100 * 366 * 86400, 2**53 - 1


def parse_duration(text: str) -> float | None:
    """Return the seconds of a duration such as `10m`, `1h 30m`, `800ms`; None when it is not one, or of centuries."""
    match = _DURATION.match(text.strip())
    if not match or not any(match.groups()):
        return None
    days, hours, minutes, seconds, milliseconds = (float(group or 0) for group in match.groups())
    total = days * 86400 + hours * 3600 + minutes * 60 + seconds + milliseconds / 1000
    return total if total <= _LONGEST_SECONDS else None


def _duration(value: Any) -> Any:
    if isinstance(value, str):
        if parse_duration(value) is None:
            if _DURATION.match(value.strip()) and value.strip():
                raise PydanticCustomError("duration", "a duration is at most 36600d, a hundred years")
            raise PydanticCustomError("duration", "a duration is written as `10m`, `1h 30m`, `45s` or `800ms`")
    elif isinstance(value, int | float) and not isinstance(value, bool):
        raise PydanticCustomError("duration", "a duration needs a unit: `10m`, `1h 30m`, `45s` or `800ms`")
    return value


Duration = Annotated[str, BeforeValidator(_duration)]
"""A length of time with its unit: `10m`, `1h 30m`, `45s`, `800ms`."""


_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(MiB|GiB|TiB|MB|GB|TB)\Z")
_UNITS = {"MB": 10**6, "GB": 10**9, "TB": 10**12, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}


def parse_size(text: str) -> int | None:
    """Return the bytes of a size such as `32GiB` or `500 MB`; None when it is not one, or more than can be counted."""
    match = _SIZE.match(text.strip())
    found = float(match[1]) * _UNITS[match[2]] if match else 0.0
    return round(found) if 0 < found <= _LARGEST_BYTES else None


def _size(value: Any) -> Any:
    if isinstance(value, str) and _SIZE.match(value.strip()) and parse_size(value) is None:
        raise PydanticCustomError("size", "a size is more than nothing and at most 8191TiB")
    if (isinstance(value, str) and parse_size(value) is None) or (
        isinstance(value, int | float) and not isinstance(value, bool)
    ):
        raise PydanticCustomError("size", "a size needs a unit: `32GiB` or `500MB`")
    return value


Size = Annotated[str, BeforeValidator(_size)]
"""An amount of memory with its unit: `32GiB`, `500MB`."""


def one_or_more(value: Any) -> Any:
    """Let a single text stand where a list of texts may."""
    return (value,) if isinstance(value, str) else value


Names = Annotated[tuple[Name, ...], BeforeValidator(one_or_more), Field(min_length=1)]
"""One name, or a list of names."""

Texts = Annotated[tuple[str, ...], BeforeValidator(one_or_more), Field(min_length=1)]
"""One text, or a list of texts."""

Share = Annotated[float, Field(ge=0, lt=1)]
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]

PlugIn = Annotated[str, StringConstraints(pattern=PLUG_IN_PATTERN)]
"""The name of something that another package adds; it has a dot."""
