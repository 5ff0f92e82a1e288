"""From an event of a run's log to what is told of it. Pure."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from tunewright.compiler import expressions
from tunewright.compiler.expressions import ExpressionError
from tunewright.compiler.ir.plan import AlertRule
from tunewright.daemon.store.alerts import Condition, Trigger

#: Kind of the log -> the words of rules that it fulfils.
_WORDS: Mapping[str, tuple[str, ...]] = {
    "run_succeeded": ("run_succeeded",),
    "run_failed": ("run_failed",),
    "run_cancelled": ("run_cancelled",),
    "run_paused": ("run_paused",),
    "step_failed": ("step_failed",),
    "step_retrying": ("step_retrying",),
    "alert": ("gate_failed",),
    "watchdog": ("watchdog",),
    "deployment_restarting": ("deployment_unhealthy",),
    "deployment_failed": ("deployment_failed",),
}
#: Ways for a step to end that a watch over it finds, and no runner can tell of any more.
_WATCHED_REASONS = frozenset({"OUT_OF_MEMORY", "STALLED"})
#: What alerts of conditions and waits are called.
CONDITION, WAIT = "condition", "queued"
_NAME = re.compile(r"\W")
_LONGEST_NAME, _LONGEST_WORD, _MOST_FIGURES = 200, 20, 1000

Figures = dict[str, dict[str, dict[str, Any]]]
"""As conditions name them: `steps.STEP.NAME`, or `STEP.SUITE.METRIC`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedRule:
    """A rule of a run: `name` says where it is written; `site` rules are the daemon's own."""

    name: str
    rule: AlertRule
    site: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A rule that an event fulfils: what it is called, and in a sentence what happened."""

    rule: NamedRule
    kind: str
    message: str
    reason: str = ""
    help: str = ""


def matches(trigger: Trigger, rules: Iterable[NamedRule]) -> list[Match]:
    """Return what is told of an event that holds no figures."""
    body = json.loads(trigger.body)
    if trigger.kind == "run_waiting":
        return [_match(trigger, body, item, WAIT) for item in rules if item.name == body.get("rule")]
    words = words_of(trigger.kind, body)
    found = []
    for item in rules:
        word = next((word for word in words if word in item.rule.events), None)
        if word is not None:
            found.append(_match(trigger, body, item, word))
    return found


def words_of(kind: str, body: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the words of rules that an event fulfils."""
    words = _WORDS.get(kind, ())
    if kind in ("step_failed", "step_retrying") and body.get("reason") in _WATCHED_REASONS:
        return (*words, "watchdog")
    return words


def _match(trigger: Trigger, body: Mapping[str, Any], item: NamedRule, word: str) -> Match:
    where = f"step {trigger.step} of " if trigger.step else ""
    said = str(body.get("message", "")) or word.replace("_", " ")
    return Match(
        rule=item,
        kind=word,
        message=f"{where}run {trigger.run} ({trigger.spec_name}): {said}",
        reason=str(body.get("reason") or body.get("signal") or ""),
        help=str(body.get("help", "")),
    )


def figures_of(trigger: Trigger) -> Figures:
    """Return the figures of an event as conditions name them: `steps.STEP.NAME`, or `STEP.SUITE.METRIC`."""
    body = json.loads(trigger.body)
    if trigger.kind == "evaluation":
        return {trigger.step: {_word(body.get("suite")): {_word(body.get("metric")): body.get("value")}}}
    values = body.get("values")
    known = {_word(name): value for name, value in values.items()} if isinstance(values, dict) else {}
    return {"steps": {trigger.step: known}}


def _word(name: object) -> str:
    return _NAME.sub("_", str(name)[:_LONGEST_NAME])


def judge(
    item: NamedRule, condition: str, trigger: Trigger, before: Condition | None
) -> tuple[Condition, Match | None]:
    """Hold a rule's condition against the newest figures; a match where it has become true.

    A condition whose figures are not all known yet is not decided, and stays as it was.
    """
    figures = _over(json.loads(before.figures) if before else {}, _read_by(condition, figures_of(trigger)))
    held = before is not None and before.holds
    try:
        found = expressions.evaluate(expressions.parse(condition), figures)
    except ExpressionError:
        return Condition(figures=json.dumps(figures), holds=held), None
    known = Condition(figures=json.dumps(figures), holds=found.passed)
    if held or not found.passed:
        return known, None
    return known, _match(trigger, {"message": found.text}, item, CONDITION)


def _read_by(condition: str, figures: Figures) -> Figures:
    """Return the figures that a condition names: a runner may give any number of others."""
    wanted = _names_in(condition)
    return {
        step: {
            suite: {
                name: value if isinstance(value, int | float) else str(value)[:_LONGEST_WORD]
                for name, value in values.items()
                if any(_fits(path, (step, suite, name)) for path in wanted)
            }
            for suite, values in suites.items()
        }
        for step, suites in figures.items()
    }


@lru_cache(maxsize=256)
def _names_in(condition: str) -> tuple[tuple[str, ...], ...]:
    try:
        return tuple(tuple(name.split(".")) for name in expressions.names_used(condition))
    except ExpressionError:
        return ()


def _fits(path: tuple[str, ...], own: tuple[str, ...]) -> bool:
    return all(part in ("*", word) for part, word in zip(path, own, strict=True))


def _over(below: Figures, above: Figures) -> Figures:
    """Return the newest of each figure; of those that wildcards let in, as many as a condition can be about."""
    merged = {step: {suite: dict(values) for suite, values in suites.items()} for step, suites in below.items()}
    room = _MOST_FIGURES - sum(len(values) for suites in merged.values() for values in suites.values())
    for step, suites in above.items():
        for suite, values in suites.items():
            known = merged.setdefault(step, {}).setdefault(suite, {})
            for name, value in values.items():
                if name in known or room > 0:
                    room -= name not in known
                    known[name] = value
    return merged
