"""A policy decides above the spec: what it forbids no `allow` lets through, and its own mistakes stop everything."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tunewright.compiler.collect.policy import PolicyFileError, find_policy
from tunewright.compiler.front import Compilation
from tunewright.spec.codes import Severity
from tunewright.spec.source import SourceFile

Compile = Callable[..., Compilation]

HEAD = "api_version: tunewright/policy/v1\nname: bank\n"
UNPINNED = 'base: {model: "hf://Qwen/Qwen2.5-0.5B-Instruct"}'
ALLOWED = UNPINNED + "\nallow: [{code: TW2019, reason: our mirror pins it}]"


def policy(text: str) -> SourceFile:
    return SourceFile("policy.yaml", HEAD + text)


def found(compilation: Compilation) -> list[tuple[str, Severity]]:
    return [(item.code, item.severity) for item in compilation.diagnostics]


def test_a_policy_that_forbids_nothing_is_in_the_lock_and_changes_nothing_else(compile_overlay: Compile) -> None:
    plain, held = compile_overlay("{}").plan, compile_overlay("{}", policy=policy("")).plan
    assert plain is not None
    assert held is not None
    assert "policy" not in plain.lock
    assert held.lock["policy"]["name"] == "bank"
    assert {**held.lock, "policy": None} == {**plain.lock, "policy": None}
    assert [step.digest for step in held.steps] == [step.digest for step in plain.steps]


def test_the_digest_is_of_what_the_policy_says(compile_overlay: Compile) -> None:
    locks = []
    for text in ("errors: [TW2019]", "# why\nerrors:\n- TW2019", "errors: [TW7005]"):
        plan = compile_overlay("{}", policy=policy(text)).plan
        assert plan is not None
        locks.append(plan.lock["policy"]["digest"])
    assert locks[0] == locks[1] != locks[2]


def test_a_raised_warning_is_an_error_that_nobody_can_allow(compile_overlay: Compile) -> None:
    assert found(compile_overlay(ALLOWED)) == []
    held = compile_overlay(ALLOWED, policy=policy("errors: [TW2019]"))
    assert found(held) == [("TW2019", Severity.ERROR)]
    assert "`bank`" in held.diagnostics[0].notes[-1]
    assert held.plan is None


CASES = [
    ("forbid: {remote_code: true}", 'base: {model: "dir:custom-model", trust_remote_code: true}', "TW7101"),
    ("forbid: {unpinned_sources: true}", UNPINNED, "TW7102"),
    ("forbid: {unpinned_sources: true}", ALLOWED, "TW7102"),
    ("forbid: {hubs: [hf]}", "{}", "TW7103"),
    ("forbid: {engines: [embedded]}", "{}", "TW7104"),
    ("forbid: {public_benchmarks: true}", "steps: {exam: {evaluate: {suites: [quiz, mmlu]}}}", "TW7105"),
    ("forbid: {quantization: [bnb]}", "steps: {pack: {export: {quantize: {method: bnb}}}}", "TW7106"),
    ("require: {approvers: 2}", "steps: {sign: {approve: {role: risk, approvers: 1}}}", "TW7107"),
    ("require: {approvers: 3}", "steps: {sign: {approve: {role: risk, approvers: 2}}}", "TW7107"),
    ("require: {approval_before_deploy: true}", "{}", "TW7108"),
    ("require: {gate_before_deploy: true}", "steps: {good: {gate: {on_fail: alert}}}", "TW7109"),
]


@pytest.mark.parametrize(
    ("text", "overlay", "code"), CASES, ids=[f"{code}-{n}" for n, (_, _, code) in enumerate(CASES)]
)
def test_what_is_forbidden_is_one_error_that_names_the_policy(
    compile_overlay: Compile, text: str, overlay: str, code: str
) -> None:
    held = compile_overlay(overlay, policy=policy(text))
    assert [name for name, severity in found(held) if severity is Severity.ERROR] == [code]
    assert not {"TW2019", "TW7002", "TW7005"} & {name for name, _ in found(held)}
    (item,) = [item for item in held.diagnostics if item.code == code]
    assert item.primary.span.source.name == "life.yaml"
    assert [label.span.source.name for label in item.labels] == ["policy.yaml"]
    assert held.plan is None
    assert code not in {name for name, _ in found(compile_overlay(overlay))}


@pytest.mark.parametrize(
    "text",
    [
        "forbid: {remote_code: true, unpinned_sources: true, public_benchmarks: true, hubs: [ms], engines: [vllm]}",
        "require: {gate_before_deploy: true, approvers: 2}",
        "forbid: {quantization: [gptq], remote_code: false}",
    ],
)
def test_what_a_policy_lets_through(compile_overlay: Compile, text: str) -> None:
    assert found(compile_overlay("{}", policy=policy(text))) == []


@pytest.mark.parametrize(
    ("text", "code", "remedy"),
    [
        ("forbids: {remote_code: true}", "TW1003", "keys here"),
        ("forbid: {remote_cod: true}", "TW1003", "remote_code"),
        ("forbid: {engines: [vlm]}", "TW1004", "did you mean `vllm`"),
        ("require: {approvers: 0}", "TW1005", ""),
        ("errors: [TW2019, TW2010]", "TW7110", "take it out"),
        ("errors: [TW2091]", "TW7110", "TW2"),
        ("errors: [unpinned]", "TW1009", "four digits"),
        ("forbid: {", "TW0001", ""),
    ],
)
def test_a_mistake_in_the_policy_stops_everything(compile_overlay: Compile, text: str, code: str, remedy: str) -> None:
    held = compile_overlay("{}", policy=policy(text))
    assert held.plan is None
    (item,) = held.diagnostics
    assert item.code == code
    assert item.primary.span.source.name == "policy.yaml"
    assert remedy in (item.help or "")


def test_an_empty_policy_is_none_that_can_be_held_to(compile_overlay: Compile) -> None:
    held = compile_overlay("{}", policy=SourceFile("policy.yaml", ""))
    assert held.plan is None


def test_where_a_policy_is_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TUNEWRIGHT_POLICY", raising=False)
    paths = {name: tmp_path / f"{name}.yaml" for name in ("chosen", "variable", "system")} | {
        "home": tmp_path / "policy.yaml"
    }

    def name_found(chosen: str | None = None) -> str | None:
        source = find_policy(tmp_path, chosen, system=paths["system"])
        return source.text if source is not None else None

    assert name_found() is None
    for name in ("system", "home", "variable", "chosen"):
        paths[name].write_text(name)
    assert name_found() == "home"
    paths["home"].unlink()
    assert name_found() == "system"
    monkeypatch.setenv("TUNEWRIGHT_POLICY", str(paths["variable"]))
    assert name_found() == "variable"
    assert name_found(str(paths["chosen"])) == "chosen"
    paths["variable"].unlink()
    with pytest.raises(PolicyFileError, match="there is no policy"):
        name_found()
    with pytest.raises(PolicyFileError, match="can't be read"):
        name_found(str(tmp_path))
