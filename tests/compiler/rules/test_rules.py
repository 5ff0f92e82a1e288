"""Every rule: its `bad` fires, its `good` does not, and one mistake is one error."""

from collections.abc import Callable

import pytest

from tunewright.compiler.front import Compilation
from tunewright.compiler.rules import RULES, explanation, standards
from tunewright.compiler.rules.rule import Rule
from tunewright.spec.codes import CODES, Severity

Compile = Callable[..., Compilation]

#: Rules that no text alone can break; test_world_rules.py shows each of them, test_tokens.py that of refused rows,
#: test_families.py that of a package's family, test_policy.py and test_lock.py those of policy and lock.
NEEDS_MORE_THAN_TEXT = frozenset(
    {"TW0003", "TW0010", "TW1014", "TW1015", "TW2062", "TW2064", "TW3027", "TW3032", "TW3064", "TW7304", "TW7305"}
    | {"TW8003", "TW9001"}
) | {rule.code for rule in standards.RULES}

#: Examples in which something else is worth a warning too, which is independent of the mistake they show.
ALSO_SAID = {"TW3033": {"TW3031"}, "TW4011": {"TW2021"}, "TW6016": {"TW5009"}}

SHOWN = [rule for rule in RULES if rule.code not in NEEDS_MORE_THAN_TEXT]


@pytest.fixture
def compile_example(compile_spec: Compile, compile_overlay: Compile) -> Compile:
    def compile_example(text: str) -> Compilation:
        whole = text.startswith(("api_version", "#"))
        return compile_spec(text) if whole else compile_overlay(text)

    return compile_example


@pytest.mark.parametrize("rule", SHOWN, ids=lambda rule: rule.code)
def test_bad_is_one_finding(rule: Rule, compile_example: Compile) -> None:
    findings = compile_example(rule.bad).diagnostics
    shown = [f"{item.code} {item.primary.span.begin.line}: {item.message}" for item in findings]
    found = [item for item in findings if item.code == rule.code]
    assert found, shown
    others = {item.code for item in findings} - {rule.code} - ALSO_SAID.get(rule.code, set())
    assert not others, shown
    if CODES[rule.code].severity is Severity.ERROR:
        assert [item.code for item in findings].count(rule.code) == 1, shown
    assert all(item.primary.span.source.text for item in found) or rule.code == "TW0012"


@pytest.mark.parametrize("rule", SHOWN, ids=lambda rule: rule.code)
def test_good_is_not_found(rule: Rule, compile_example: Compile) -> None:
    compilation = compile_example(rule.good)
    shown = [f"{item.code} {item.primary.span.begin.line}: {item.message}" for item in compilation.diagnostics]
    assert rule.code not in {item.code for item in compilation.diagnostics}, shown
    assert compilation.plan is not None, shown


def test_sample_has_no_findings(compile_overlay: Compile) -> None:
    compilation = compile_overlay("{}")
    assert [item.message for item in compilation.diagnostics] == []
    assert compilation.plan is not None
    assert [step.name for step in compilation.plan.steps] == ["base", "sft", "align", "exam", "good", "pack", "serve"]


def test_every_code_has_its_rule() -> None:
    assert sorted(rule.code for rule in RULES) == sorted(CODES)


@pytest.mark.parametrize("code", CODES)
def test_rule_says_why(code: str) -> None:
    rule = explanation(code)
    assert rule is not None
    assert rule.why.endswith((".", "`."))
    assert rule.why[0].isupper() or rule.why[0].islower()
    assert rule.bad
    assert rule.good
