"""What keeps a service alive stands in its plan, and only what is unusual in its digest."""

from collections.abc import Callable

from tunewright.compiler.front import Compilation
from tunewright.compiler.ir.plan import Step

Compile = Callable[..., Compilation]


def served(compilation: Compilation) -> Step:
    assert compilation.plan is not None, [item.message for item in compilation.diagnostics]
    return compilation.plan.step("serve")


def test_what_is_written_is_what_the_daemon_gets(compile_overlay: Compile) -> None:
    usual = served(compile_overlay("{}"))
    health, restart = "{interval: 20s, timeout: 2s, failures: 2}", "{limit: 0, pause: 500ms, stable: 10m}"
    changed = served(
        compile_overlay(f"steps: {{serve: {{deploy: {{health: {health}, restart: {restart}, drain: 2m}}}}}}")
    )

    assert usual.supervision is not None
    assert (usual.supervision.interval_seconds, usual.limits.grace_seconds) == (10.0, 30.0)
    assert usual.provenance["health.interval"].startswith("default")
    assert changed.supervision is not None
    found = changed.supervision
    assert (found.interval_seconds, found.timeout_seconds, found.failures) == (20.0, 2.0, 2)
    assert (found.restarts, found.pause_seconds, found.stable_seconds) == (0, 0.5, 600.0)
    assert changed.limits.grace_seconds == 120.0
    assert changed.provenance["restart.limit"].startswith("written")


def test_only_what_differs_from_the_usual_makes_another_service(compile_overlay: Compile) -> None:
    usual = served(compile_overlay("{}"))
    written = served(compile_overlay("steps: {serve: {deploy: {health: {interval: 10s}, drain: 30s}}}"))
    patient = served(compile_overlay("steps: {serve: {deploy: {drain: 40s}}}"))

    assert written.digest == usual.digest
    assert dict(patient.identity) == {**usual.identity, "steps.serve.deploy.drain": 40.0}
