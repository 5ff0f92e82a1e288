"""Family 6, how services are kept alive: times that contradict each other."""

from tunewright.compiler.ir.resolved import ResolvedDeploy, ResolvedSupervision
from tunewright.compiler.passes.work import Work
from tunewright.compiler.rules.rule import Phase, Rule

_SHORTEST_INTERVAL_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 60.0


def _check_supervision(work: Work) -> None:
    assert work.resolved is not None
    for step in work.resolved.steps:
        if isinstance(step.body, ResolvedDeploy):
            for section, key, message, help_ in _contradictions(step.body.supervision):
                span = work.value_span("steps", step.name, "deploy", section, key)
                work.sink.report("TW6018", message, span, help=help_)


def _contradictions(asked: ResolvedSupervision) -> list[tuple[str, str, str, str]]:
    """Return section, key, message and remedy of what can't be meant together."""
    found = []
    if asked.interval_seconds < _SHORTEST_INTERVAL_SECONDS:
        found.append(("health", "interval", "a service is asked more often than once a second", "use at least `1s`"))
    if not 0 < asked.timeout_seconds <= asked.interval_seconds:
        message = f"an answer has {asked.timeout_seconds:g} s while the next question comes after"
        message += f" {asked.interval_seconds:g} s"
        found.append(("health", "timeout", message, "set `timeout` between nothing and `interval`"))
    unnoticed = asked.failures * (asked.interval_seconds + asked.timeout_seconds)
    if asked.restarts and asked.stable_seconds <= unnoticed:
        message = f"a service that hangs is noticed after {unnoticed:g} s, and counts as stable after"
        message += f" {asked.stable_seconds:g} s: it would be started again for ever"
        help_ = f"set `stable` above {unnoticed:g} s, or ask more often"
        found.append(("restart", "stable", message, help_))
    if asked.pause_seconds > _LONGEST_PAUSE_SECONDS:
        message = "the first pause is longer than the longest, which is a minute"
        found.append(("restart", "pause", message, "use at most `1m`"))
    return found


RULES = (
    Rule(
        code="TW6018",
        phase=Phase.TEXT,
        follows=("steps.@.deploy.health", "steps.@.deploy.restart"),
        check=_check_supervision,
        why="Times that contradict each other kill a service that is well, or start one for ever that never is.",
        bad="steps: {serve: {deploy: {health: {interval: 5s, timeout: 10s}}}}",
        good="steps: {serve: {deploy: {health: {interval: 5s, timeout: 2s}, drain: 1m}}}",
    ),
)
