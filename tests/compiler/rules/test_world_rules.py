"""Rules that no example shows: they depend on how tunewright was called, on the machine, or on megabytes of text."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tunewright.compiler.front import Compilation, compile_file
from tunewright.compiler.ir.facts import Accelerator, HardwareFacts
from tunewright.compiler.ir.plan import plan_from_json
from tunewright.compiler.passes.work import Work
from tunewright.compiler.pipeline import new_work, run

Compile = Callable[..., Compilation]

PROFILES = 'profiles: {small: {data: {rows: {limit: 20}}}, prod: {description: "for real"}}'


def codes(compilation: Compilation) -> list[str]:
    return [item.code for item in compilation.diagnostics]


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    spec = tmp_path / "life.yaml"
    spec.write_bytes(b"api_version: tunewright/v1\nname: caf\xe9\n")
    compilation = compile_file(spec)
    (finding,) = compilation.diagnostics
    assert finding.code == "TW0010"
    assert (finding.primary.span.begin.line, finding.primary.span.begin.column) == (2, 10)


def test_profile_that_does_not_exist(compile_overlay: Compile) -> None:
    compilation = compile_overlay(PROFILES, profile="smal")
    (finding,) = compilation.diagnostics
    assert finding.code == "TW1014"
    assert finding.help is not None
    assert "did you mean `small`?" in finding.help
    assert finding.primary.span.text == "profiles"


def test_profile_in_a_spec_without_any(compile_overlay: Compile) -> None:
    (finding,) = compile_overlay("{}", profile="prod").diagnostics
    assert finding.help == "this spec has no `profiles`"


def test_chosen_profile_changes_the_plan(compile_overlay: Compile) -> None:
    compilation = compile_overlay(PROFILES, profile="small")
    assert codes(compilation) == []
    assert compilation.plan is not None
    assert compilation.plan.profile == "small"
    assert compilation.plan.step("sft").parameters["data"]["rows"]["limit"] == 20


def test_mistake_in_a_profile_that_was_not_chosen(compile_overlay: Compile) -> None:
    (finding,) = compile_overlay("profiles: {prod: {data: {rows: {limmit: 20}}}}").diagnostics
    assert (finding.code, finding.primary.span.text) == ("TW1003", "limmit")


@pytest.mark.parametrize("text", ["learning_rate", "=1", "steps..sft=1", "steps.sft.train. =1", ""])
def test_override_that_is_none(text: str, compile_overlay: Compile) -> None:
    (finding,) = compile_overlay("{}", sets=[text]).diagnostics
    assert finding.code == "TW1015"
    assert finding.primary.span.source.name == "--set 1"


def test_override_with_a_wrong_value_is_shown_in_its_own_text(compile_overlay: Compile) -> None:
    sets = ["seed=7", "steps.sft.train.learning_rate=fast"]
    (finding,) = compile_overlay("{}", sets=sets).diagnostics
    assert finding.code == "TW1002"
    assert finding.primary.span.source.name == "--set 2"
    assert finding.primary.span.text == "fast"
    assert finding.primary.span.begin.column == sets[1].index("fast") + 1


def test_override_of_a_key_that_does_not_exist(compile_overlay: Compile) -> None:
    (finding,) = compile_overlay("{}", sets=["steps.sft.train.learning_rat=1e-4"]).diagnostics
    assert finding.code == "TW1003"
    assert finding.primary.span.source.name == "--set 1"
    assert finding.primary.text == "did you mean `learning_rate`?"


def test_override_changes_the_plan_and_is_recorded(compile_overlay: Compile) -> None:
    compilation = compile_overlay("{}", sets=["steps.sft.train.learning_rate=1e-4"])
    assert compilation.plan is not None
    assert compilation.plan.sets == ("steps.sft.train.learning_rate=1e-4",)
    assert compilation.plan.step("sft").parameters["learning_rate"] == 1e-4


def test_disk_that_is_too_small(compile_overlay: Compile) -> None:
    full = HardwareFacts(cpu_cores=4, memory_bytes=64 * 2**30, disk_free_bytes=2**20)
    (finding,) = compile_overlay("{}", hardware=full).diagnostics
    assert finding.code == "TW3027"
    roomy = replace(full, disk_free_bytes=500 * 2**30)
    assert codes(compile_overlay("{}", hardware=roomy)) == []
    unknown = replace(full, disk_free_bytes=None)
    assert codes(compile_overlay("{}", hardware=unknown)) == []


def test_states_on_a_disk_need_a_folder_and_room(compile_overlay: Compile, tmp_path: Path) -> None:
    layout = f"{{strategy: zero3, processes: 2, offload_optimizer: nvme, nvme_path: '{tmp_path}'}}"
    spec = f"steps: {{sft: {{train: {{tuner: full, parallelism: {layout}}}}}}}"
    assert codes(compile_overlay(spec)) == []
    machine = HardwareFacts(cpu_cores=4, memory_bytes=64 * 2**30, scratch_free_bytes={str(tmp_path): 2**20})
    (finding,) = compile_overlay(spec, hardware=machine).diagnostics
    assert finding.code == "TW3064"
    assert "GB are free" in finding.message
    (finding,) = compile_overlay(spec.replace(str(tmp_path), str(tmp_path / "absent"))).diagnostics
    assert finding.code == "TW3064"
    assert "no folder" in finding.message


def test_host_that_can_not_hold_what_is_offloaded(compile_overlay: Compile) -> None:
    spec = (
        "{base: {model: 'hf://Qwen/Qwen2.5-7B-Instruct@a09a35458c702b33eeacc393d103063234e8bc28'}, steps: "
        "{sft: {train: {tuner: full, max_length: 256, "
        "parallelism: {strategy: zero3, processes: 2, offload_optimizer: cpu}}}}}"
    )
    device = Accelerator(name="a100-80gb", memory_bytes=85_899_345_920, count=2)
    small = HardwareFacts(cpu_cores=16, memory_bytes=32 * 2**30, accelerator=device)
    assert "TW3032" in codes(compile_overlay(spec, hardware=small))
    assert "TW3032" not in codes(compile_overlay(spec, hardware=replace(small, memory_bytes=512 * 2**30)))
    unknown = replace(small, memory_bytes=0)
    assert "TW3032" not in codes(compile_overlay(spec, hardware=unknown))


def test_secret_that_nobody_stored(compile_overlay: Compile) -> None:
    spec = 'base: {token: "${secret:HUB}"}'
    (finding,) = compile_overlay(spec, secrets_known=frozenset({"OTHER"})).diagnostics
    assert finding.code == "TW8003"
    assert codes(compile_overlay(spec, secrets_known=frozenset({"HUB"}))) == []
    assert codes(compile_overlay(spec, secrets_known=None)) == []


def test_sink_that_the_daemon_has_not(compile_overlay: Compile) -> None:
    spec = "alerts: [{events: run_failed, to: [oncal, mlops]}, {queued_for: 1h, to: oncal}]"
    first, second = compile_overlay(spec, sinks_known=frozenset({"oncall", "mlops"})).diagnostics
    assert (first.code, second.code) == ("TW7304", "TW7304")
    assert "`oncall`" in str(first.help)
    (nobody_knows,) = compile_overlay(spec, sinks_known=None).diagnostics
    assert nobody_knows.code == "TW7305"
    assert codes(compile_overlay(spec, sinks_known=frozenset({"oncal", "mlops"}))) == []


def test_alerts_change_the_plan_and_no_step(compile_overlay: Compile) -> None:
    without = compile_overlay("{}").plan
    plan = compile_overlay("alerts: [{events: [run_paused, step_failed], to: oncall}]").plan
    assert without is not None
    assert plan is not None
    assert plan.digest != without.digest
    assert [step.digest for step in plan.steps] == [step.digest for step in without.steps]
    (rule,) = plan.alerts
    assert (rule.to, rule.severity, rule.events) == (("oncall",), "critical", ("run_paused", "step_failed"))
    assert rule.provenance["severity"] == "derived: the worst of its events"
    assert plan_from_json(plan.to_json()) == plan
    assert "alerts" not in without.to_json()


def test_bug_in_a_pass_is_one_finding_that_names_it() -> None:
    def broken(work: Work) -> Work:
        raise ZeroDivisionError("division by zero")

    work = run(broken, new_work("name: sample\n", "life.yaml"))
    (finding,) = work.sink
    assert finding.code == "TW9001"
    assert finding.message == "the compiler failed in `broken`: ZeroDivisionError: division by zero"
