"""`allow`: a warning that is accepted leaves the findings and enters the lock with its reason; an error stays."""

from collections.abc import Callable

from tunewright.compiler.front import Compilation

Compile = Callable[..., Compilation]

SPARE = '{rows: {source: "file:rows.jsonl"}, spare: {source: "file:rows.jsonl"}}'


def test_accepted_warning_is_recorded(compile_overlay: Compile) -> None:
    noisy = compile_overlay(f"data: {SPARE}")
    assert [item.code for item in noisy.diagnostics] == ["TW2021"]
    assert noisy.plan is not None
    assert noisy.plan.lock["allowed"] == {}
    quiet = compile_overlay(f"{{data: {SPARE}, allow: [{{code: TW2021, reason: for the next release}}]}}")
    assert quiet.diagnostics == ()
    assert quiet.plan is not None
    assert quiet.plan.lock["allowed"] == {"TW2021": "for the next release"}


def test_acceptance_without_a_warning_leaves_no_trace(compile_overlay: Compile) -> None:
    compilation = compile_overlay("allow: [{code: TW2021, reason: for the next release}]")
    assert compilation.diagnostics == ()
    assert compilation.plan is not None
    assert compilation.plan.lock["allowed"] == {}


def test_error_can_not_be_accepted(compile_overlay: Compile) -> None:
    overlay = '{data: {rows: {source: "file:gone.jsonl"}}, allow: [{code: TW2010, reason: it comes later}]}'
    compilation = compile_overlay(overlay)
    assert [item.code for item in compilation.diagnostics] == ["TW2010", "TW7003"]
    assert compilation.plan is None


def test_acceptance_changes_no_step(compile_overlay: Compile) -> None:
    noisy = compile_overlay(f"data: {SPARE}").plan
    quiet = compile_overlay(f"{{data: {SPARE}, allow: [{{code: TW2021, reason: for the next release}}]}}").plan
    assert noisy is not None
    assert quiet is not None
    assert [step.digest for step in noisy.steps] == [step.digest for step in quiet.steps]
