"""hold_to_lock: a locked plan rests on exactly what the lock says; each thing that drifted is one finding."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from tunewright.compiler.ir.pins import LOCK_VERSION
from tunewright.compiler.passes.work import Work
from tunewright.spec.document import Document, Path
from tunewright.spec.record import record
from tunewright.spec.source import Span
from tunewright.spec.syntax import MappingNode, parse_node, plain_value

#: Sections of the lock that hold one thing a name, and the code of a thing that drifted.
_SECTIONS = {
    "models": "TW7201",
    "data": "TW7202",
    "suites": "TW7202",
    "files": "TW7203",
    "variables": "TW7204",
    "allowed": "TW7204",
    "environments": "TW8201",
    "plug_ins": "TW8201",
}

#: Things that the lock holds by themselves.
_ALONE = {"policy": "TW7204", "compiler": "TW8202", "defaults": "TW8202"}

_HELP = "look at what changed, then accept it with `tunewright lock`, or bring back what was there"
_SHORT_DIGEST = len("sha256:") + 12


@record(kw_only=True)
class Drift:
    """One thing that is not what the lock says. `thing` is its path in the lock; a side that does not have
    it is None."""

    code: str
    thing: Path
    old: Any
    new: Any

    def __str__(self) -> str:
        name = f"{self.thing[0]} `{self.thing[1]}`" if len(self.thing) == 2 else f"the {self.thing[0]}"
        if self.old is None:
            return f"{name} is not in the lock"
        if self.new is None:
            return f"{name} is in the lock and not in the spec any more"
        return f"{name} drifted: {'; '.join(_changes(self.old, self.new))}"


def drifts(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Drift]:
    """Yield what differs between two locks; what can't be known here (a model not fetched yet) does not count."""
    for section, code in _SECTIONS.items():
        before, after = old.get(section) or {}, new.get(section) or {}
        for name in sorted({*before, *after}):
            found = Drift(code=code, thing=(section, name), old=before.get(name), new=after.get(name))
            if found.old is None or found.new is None or list(_changes(found.old, found.new)):
                yield found
    for key, code in _ALONE.items():
        if old.get(key) != new.get(key):
            yield Drift(code=code, thing=(key,), old=old.get(key), new=new.get(key))


def hold_to_lock(work: Work) -> Work:
    """Compare the plan's lock with the one that the spec is held to; drop the plan when something drifted.

    A spec that is not locked takes only its models' pins from the lock, which must be one all the same: pins that are
    passed over would be models that change without anybody noticing.
    """
    if work.lock is None or work.plan is None:
        return work
    root = parse_node(work.lock, work.sink)
    if root is None and work.sink.has_errors:
        return replace(work, plan=None)
    kept: Any = plain_value(root) if root is not None else None
    if not isinstance(root, MappingNode) or not _is_lock(kept):
        work.sink.report(
            "TW7205",
            "this is no lock that this version reads",
            Span(work.lock, 0, 1),
            help="write it anew with `tunewright lock`, and look at the difference",
        )
        return replace(work, plan=None)
    if not work.locked:
        return work
    text = Document(work.lock, root)
    found = list(drifts(kept, {**work.plan.lock, "allowed": _allowed(work, kept)}))
    for drift in found:
        is_kept = text.node(drift.thing) is not None
        span = text.key_span(drift.thing) if is_kept else _span_in_spec(work, drift.thing)
        work.sink.report(drift.code, str(drift), span, help=_HELP)
    return replace(work, plan=None) if found else work


def _allowed(work: Work, kept: Mapping[str, Any]) -> dict[str, str]:
    """Return what the spec accepts now; that a warning is no longer there, since the lock pins a model, is no drift."""
    assert work.spec is not None
    assert work.plan is not None
    still = {allow.code: allow.reason for allow in work.spec.allow if allow.code in (kept.get("allowed") or {})}
    return {**still, **work.plan.lock["allowed"]}


def _is_lock(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and value.get("lock_version") == LOCK_VERSION
        and all(isinstance(value.get(section, {}), dict) for section in _SECTIONS)
    )


def _span_in_spec(work: Work, thing: Path) -> Span:
    """Return the place in the spec that brought something in."""
    section, name = thing[0], thing[-1]
    match section:
        case "models":
            return work.value_span("base", "model")
        case "environments":
            users = [step.name for step in work.steps if step.launch is not None and step.launch.environment == name]
            return work.key_span("steps", *users[-1:])
        case "files" if work.spec is not None:
            for suite_name, suite in work.spec.suites.items():
                if suite.json_schema == name:
                    return work.value_span("suites", suite_name, "json_schema")
            return work.key_span("suites")
        case "allowed" if work.spec is not None:
            index = next((index for index, allow in enumerate(work.spec.allow) if allow.code == name), 0)
            return work.value_span("allow", index, "code")
        case "variables":
            at = work.source.text.find(f"${{env:{name}}}")
            return Span(work.source, max(at, 0), max(at, 0) + len(f"${{env:{name}}}"))
        case _:
            return work.key_span(*thing)


def _changes(old: Any, new: Any) -> Iterator[str]:
    if not (isinstance(old, Mapping) and isinstance(new, Mapping)):
        if old != new:
            yield f"{_short(old)} -> {_short(new)}"
        return
    for key in sorted({*old, *new} - {"origin", "files", "shape"}):
        # Not fetched here: what the lock says can neither be confirmed nor denied.
        if old.get(key) != new.get(key) and not (key in ("digest", "revision") and new.get(key) is None):
            yield f"{key} {_short(old.get(key))} -> {_short(new.get(key))}"
    before, after = old.get("files") or {}, new.get("files") or {}
    if before and after:
        for name in sorted({*before, *after}):
            if before.get(name) != after.get(name):
                yield f"{name} {_short(before.get(name))} -> {_short(after.get(name))}"


def _short(value: Any) -> str:
    if value is None:
        return "nothing"
    text = value if isinstance(value, str) else repr(value)
    return text[:_SHORT_DIGEST] if text.startswith("sha256:") else text
