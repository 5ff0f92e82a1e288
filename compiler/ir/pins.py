"""Pins: which revision and which files a lock holds a hub's model to, and what was known of that model."""

import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, is_dataclass, replace
from typing import Any

from tunewright.compiler.ir.facts import DataFacts, FileFact, ModelFacts
from tunewright.spec.record import record

LOCK_VERSION = 1

#: Where a model's name means something that changes by itself, so that a lock has to say which.
HUBS = ("hf://", "ms://")

#: What a pin holds beside the shape.
_OWN = frozenset({"source", "origin", "problem", "path", "digest", "file_digests", "revision", "pinned"})


@record(kw_only=True)
class ModelPin:
    """One model of a lock: `revision` is a commit where the hub tells one, `files` maps name to digest, `digest` covers
    them all; `shape` holds those fields of ModelFacts that are not as by default.
    """

    revision: str | None
    digest: str | None
    origin: str
    files: Mapping[str, str]
    shape: Mapping[str, Any]

    def facts(self, source: str) -> ModelFacts | None:
        """Return what was known of the model when it was locked, None when the lock does not tell."""
        from pydantic import ValidationError

        if self.digest is None or not self.shape:
            return None
        try:
            known = _adapter().validate_json(json.dumps({**self.shape, "source": source, "origin": self.origin}))
        except ValidationError:
            return None
        return self.applied(replace(known, path=None, problem=None))

    def applied(self, facts: ModelFacts) -> ModelFacts:
        """Return facts with the revision and the files that are pinned."""
        files = tuple(sorted(self.files.items()))
        return replace(facts, revision=self.revision, digest=self.digest, file_digests=files, pinned=True)


@record(kw_only=True)
class DataPin:
    """One data set on a hub in a lock: `source` says what was asked for (`data_source`), `files` what that was."""

    source: str
    revision: str | None
    digest: str | None
    files: Mapping[str, str]

    def facts(self) -> DataFacts:
        """Return what is known of the data set by this."""
        files = tuple(FileFact(written=name, path=None, digest=digest) for name, digest in sorted(self.files.items()))
        return DataFacts(files=files, revision=self.revision, digest=self.digest)


def data_source(sources: Sequence[str], subset: str | None, split: str | None) -> str:
    """Return what is asked of a hub as one text: of a `split`, its name is what decides the files."""
    name = split.partition("[")[0] if split else None
    return " ".join([*sources, *(f"{key}={value}" for key, value in (("subset", subset), ("split", name)) if value)])


def shape_of(model: ModelFacts) -> dict[str, Any]:
    """Return what a lock keeps of a model beside its files: every field that is not as by default, as JSON values."""
    told = {item.name: getattr(model, item.name) for item in fields(ModelFacts) if item.name not in _OWN}
    defaults = {item.name: item.default for item in fields(ModelFacts)}
    return {name: _plain(value) for name, value in sorted(told.items()) if value != defaults[name]}


def pins_text(pins: Mapping[str, ModelPin], data: Mapping[str, DataPin] | None = None) -> str:
    """Return a lock that holds nothing but pins; `pins_of` and `data_pins_of` read it back."""
    models = {source: asdict(pin) for source, pin in pins.items()}
    return json.dumps(
        {
            "lock_version": LOCK_VERSION,
            "models": models,
            "data": {name: asdict(pin) for name, pin in (data or {}).items()},
        }
    )


def data_pins_of(text: str | None) -> dict[str, DataPin]:
    """Return the pins of data sets on hubs in the text of a lock, by name; a text that is no lock holds none."""
    if text is None:
        return {}
    try:
        held = json.loads(text)["data"]
        return {
            name: DataPin(
                source=item["source"],
                revision=_text(item.get("revision")),
                digest=_text(item.get("digest")),
                files={str(file): str(digest) for file, digest in (item.get("files") or {}).items()},
            )
            for name, item in held.items()
            if str(item.get("source", "")).startswith(HUBS)
        }
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def pins_of(text: str | None) -> dict[str, ModelPin]:
    """Return the pins in the text of a lock, by source; a text that is no lock holds none (a pass says so)."""
    if text is None:
        return {}
    try:
        models = json.loads(text)["models"]
        return {source: _pin(held) for source, held in models.items() if source.startswith(HUBS)}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def _pin(held: Mapping[str, Any]) -> ModelPin:
    return ModelPin(
        revision=_text(held.get("revision")),
        digest=_text(held.get("digest")),
        origin=_text(held.get("origin")) or "unknown",
        files={str(name): str(digest) for name, digest in (held.get("files") or {}).items()},
        shape=dict(held.get("shape") or {}),
    )


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    return list(value) if isinstance(value, tuple) else value


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


@functools.cache
def _adapter() -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(ModelFacts)
