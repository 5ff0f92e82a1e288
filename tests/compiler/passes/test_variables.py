"""`${env:NAME}`: filled in where it stands, recorded in the lock, never for secrets."""

from collections.abc import Callable

import pytest

from tunewright.compiler.front import Compilation

Compile = Callable[..., Compilation]


def test_value_is_filled_in_and_recorded(compile_overlay: Compile) -> None:
    overlay = 'data: {rows: {source: "file:${env:ROWS}.jsonl"}}'
    compilation = compile_overlay(overlay, variables={"ROWS": "rows", "OTHER": "not mentioned"})
    assert [item.message for item in compilation.diagnostics] == []
    assert compilation.plan is not None
    assert compilation.plan.lock["variables"] == {"ROWS": "rows"}
    assert compilation.spec is not None
    assert compilation.spec.data["rows"].source == ("file:rows.jsonl",)


def test_plain_value_can_be_a_number(compile_spec: Compile, sample: str) -> None:
    compilation = compile_spec("seed: ${env:SEED}\n" + sample, variables={"SEED": "7"})
    assert compilation.spec is not None
    assert compilation.spec.seed == 7


def test_quoted_value_is_text(compile_spec: Compile, sample: str) -> None:
    (finding,) = compile_spec('seed: "${env:SEED}"\n' + sample, variables={"SEED": "7"}).diagnostics
    assert finding.code == "TW1002"


def test_reference_between_braces_needs_quotes(compile_spec: Compile, sample: str) -> None:
    (finding,) = compile_spec(sample.replace("metric: exact", "metric: ${env:METRIC}")).diagnostics
    assert finding.code == "TW0001"
    assert finding.help is not None
    assert '"${env:NAME}"' in finding.help


def test_value_can_not_bring_structure(compile_overlay: Compile) -> None:
    value = 'x", seed: 1} # '
    compilation = compile_overlay('description: "${env:TEXT}"', variables={"TEXT": value})
    assert compilation.spec is not None
    assert compilation.spec.description == value
    assert compilation.spec.seed is None


def test_value_is_not_filled_again(compile_overlay: Compile) -> None:
    compilation = compile_overlay('description: "${env:A}"', variables={"A": "${env:B}", "B": "b"})
    assert compilation.spec is not None
    assert compilation.spec.description == "${env:B}"


def test_unset_variable_is_the_only_finding(compile_spec: Compile, sample: str) -> None:
    text = "seed: ${env:SEED}\n" + sample.replace("file:rows.jsonl", "file:${env:NOWHERE}/rows.jsonl")
    found = [(item.code, item.primary.span.text) for item in compile_spec(text).diagnostics]
    assert found == [("TW1018", "${env:SEED}"), ("TW1018", "${env:NOWHERE}")]


def test_variable_of_a_profile_counts_only_when_it_is_chosen(compile_overlay: Compile) -> None:
    overlay = 'profiles: {prod: {data: {rows: {source: "file:${env:ROWS}.jsonl"}}}}'
    assert compile_overlay(overlay).plan is not None
    chosen = compile_overlay(overlay, profile="prod", variables={"ROWS": "rows"})
    assert chosen.plan is not None
    assert chosen.plan.lock["variables"] == {"ROWS": "rows"}


def test_override_can_mention_a_variable(compile_overlay: Compile) -> None:
    compilation = compile_overlay("{}", sets=["seed=${env:SEED}"], variables={"SEED": "7"})
    assert compilation.spec is not None
    assert compilation.spec.seed == 7


def test_secret_never_comes_from_a_variable(compile_overlay: Compile) -> None:
    compilation = compile_overlay('base: {token: "${env:HUB}"}', variables={"HUB": "hf_abcdefghijklmnopqrstuvwxyz"})
    (finding,) = compilation.diagnostics
    assert finding.code == "TW1017"
    assert compilation.document is not None
    assert "hf_abc" not in repr(compilation.document.root)


def test_secret_in_a_variable_is_found(compile_overlay: Compile) -> None:
    leak = {"NOTE": "hf_abcdefghijklmnopqrstuvwxyz"}
    compilation = compile_overlay('description: "${env:NOTE}"', variables=leak)
    assert [item.code for item in compilation.diagnostics] == ["TW1016"]


def test_environment_of_this_process_is_the_default(compile_overlay: Compile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUNEWRIGHT_TEST_ROWS", "rows")
    overlay = 'data: {rows: {source: "file:${env:TUNEWRIGHT_TEST_ROWS}.jsonl"}}'
    compilation = compile_overlay(overlay, variables=None)
    assert compilation.plan is not None
    assert compilation.plan.lock["variables"] == {"TUNEWRIGHT_TEST_ROWS": "rows"}


def test_other_variables_never_enter_the_plan(compile_overlay: Compile, monkeypatch: pytest.MonkeyPatch) -> None:
    before = compile_overlay("{}", variables=None).plan
    monkeypatch.setenv("TUNEWRIGHT_TEST_ROWS", "other")
    after = compile_overlay("{}", variables=None).plan
    assert before == after
