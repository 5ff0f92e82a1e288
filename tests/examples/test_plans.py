"""The example specs compile for the machines they state; a kept plan shows a change as a difference."""

import json
from pathlib import Path

import pytest

from tunewright.compiler.front import Compilation, compile_file
from tunewright.compiler.ir.facts import EnvironmentFacts, HardwareFacts
from tunewright.compiler.ir.plan import plan_from_json
from tunewright.compiler.render.full import render_full
from tunewright.runners.environments import ENVIRONMENTS
from tunewright.spec.diagnostics import Severity

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden" / "plans"
NAMES = sorted(path.parent.name for path in ROOT.glob("examples/*/life.yaml"))

# The quickstart states no machine: it is for the one it runs on. Pins change often and say nothing about plans.
LAPTOP = HardwareFacts(cpu_cores=2, memory_bytes=24 * 2**30)
PINS = {name: EnvironmentFacts(name=name, digest="sha256:pins-of-" + name) for name in ENVIRONMENTS}

#: What each example is there to show, as the plan's own words for the step.
SHOWN = {
    "quickstart": ("align", "DPO"),
    "bank-assistant": ("sft", "QLoRA"),
    "prd-writer": ("sft", "LoRA r64"),
    "credit-review": ("pack", "gptq 4-bit"),
    "claims-analysis": ("sft", "8 processes, ZeRO-3 + CPU offload, full"),
    "llama-70b-megatron": ("sft", "Megatron TP 4 PP 2"),
    "moe-experts": ("sft", "EP 8"),
    "newsroom": ("editors", "2 people of editor"),
    "factory-inspection": ("sft", "LoRA"),
}


def compile_example(name: str) -> Compilation:
    return compile_file(ROOT / "examples" / name / "life.yaml", environments=PINS, hardware=LAPTOP)


def test_every_example_is_known() -> None:
    assert sorted(SHOWN) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_example_compiles_to_its_plan(name: str, request: pytest.FixtureRequest) -> None:
    compilation = compile_example(name)

    errors = [item for item in compilation.diagnostics if item.severity is Severity.ERROR]
    assert not errors, render_full(errors)
    assert compilation.plan is not None
    text = json.dumps(compilation.plan.to_json(), indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    golden = GOLDEN / f"{name}.json"
    if request.config.getoption("--update-golden"):
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8"), f"{golden.name} differs: see `make golden`"
    assert plan_from_json(json.loads(text)) == plan_from_json(compilation.plan.to_json())


@pytest.mark.parametrize("name", NAMES)
def test_example_shows_what_it_is_for(name: str) -> None:
    plan = compile_example(name).plan
    assert plan is not None
    step, words = SHOWN[name]

    assert words in plan.step(step).summary


@pytest.mark.parametrize("name", NAMES)
def test_plan_holds_no_place_of_this_machine(name: str) -> None:
    plan = compile_example(name).plan

    assert str(ROOT) not in json.dumps(plan.to_json() if plan else {})


def test_quickstart_has_no_findings_and_can_run() -> None:
    compilation = compile_example("quickstart")

    assert not compilation.diagnostics
    assert compilation.plan is not None
    assert [step.name for step in compilation.plan.steps if step.not_executable] == []


def test_what_can_not_run_says_what_is_missing() -> None:
    plan = compile_example("llama-70b-megatron").plan
    assert plan is not None

    assert plan.step("sft").not_executable is None
    assert plan.step("serve").not_executable == "the vLLM serving runner is not built yet"


def test_example_has_a_paragraph_of_its_own() -> None:
    for name in NAMES:
        readme = ROOT / "examples" / name / "README.md"
        assert readme.is_file(), f"{name} has no README.md"
        assert len(readme.read_text(encoding="utf-8").split()) > 40, f"{readme} says next to nothing"
