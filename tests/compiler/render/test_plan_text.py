"""Plans and steps as they are drawn; the goldens are what users see."""

import os
from dataclasses import replace
from pathlib import Path

from tunewright.compiler.ir.difference import StepAction
from tunewright.compiler.ir.plan import AlertRule, Estimate, Gate, Launch, Limits, Plan, Process, Step, StepInput, seal
from tunewright.compiler.render.plan_text import render_plan
from tunewright.compiler.render.step_text import option_lines, render_step

GOLDEN = Path(__file__).parents[2] / "golden" / "cli"


def golden(name: str, text: str) -> str:
    """Return what is kept; UPDATE_GOLDEN=1 keeps the new text instead."""
    path = GOLDEN / name
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    return path.read_text(encoding="utf-8")


ALIGN = Step(
    name="align",
    verb="train",
    kind="train.trl",
    summary="2 processes, DPO beta 0.2, zero2",
    needs=("base", "sft"),
    inputs={
        "model": StepInput(role="model", step="base"),
        "adapter": StepInput(role="adapter", step="sft"),
        "data.pairs": StepInput(role="data", path="data/pairs.jsonl", digest="sha256:" + "ab" * 32),
    },
    parameters={
        "method": "dpo",
        "beta": 0.2,
        "packing": False,
        "max_steps": None,
        "tuner": {"type": "lora", "rank": 16},
    },
    launch=Launch(
        environment="train",
        command=Process(
            argv=(
                "{python}",
                "-P",
                "-m",
                "torch.distributed.run",
                "--standalone",
                "--nproc-per-node",
                "2",
                "-m",
                "tunewright.runners.train_trl",
                "run",
                "{bundle}",
            ),
            env={"OMP_NUM_THREADS": "1", "NOTE": "two words"},
        ),
        files={"deepspeed.json": '{\n  "zero_optimization": {"stage": 2}\n}'},
        processes_per_node=2,
    ),
    estimate=Estimate(
        memory_bytes=2_900_000_000,
        capacity_bytes=24_000_000_000,
        seconds=150,
        seconds_low=120,
        seconds_high=210,
        breakdown={"weights": 269_000_000, "activations": 2_000_000_000},
    ),
    limits=Limits(stall_seconds=600),
    provenance={
        "steps.align.train.beta": "written: life.yaml:21:20",
        "steps.align.train.tuner": "derived: the step it starts from",
    },
    digest="sha256:" + "0a" * 32,
)
SFT = replace(
    ALIGN,
    name="sft",
    summary="2 processes, LoRA r16, zero2",
    needs=("base",),
    estimate=replace(ALIGN.estimate, seconds=70.0),
)
GATE = Step(
    name="better",
    verb="gate",
    kind="gate",
    summary="exam.routing.exact >= exam_base.routing.exact + 0.3",
    gate=Gate(require=("exam.routing.exact >= exam_base.routing.exact + 0.3",), on_fail="stop_and_alert"),
)
SERVE = Step(
    name="serve",
    verb="deploy",
    kind="serve.vllm",
    summary="vllm, tensor parallel 2, :8000",
    service=True,
    not_executable="no accelerator on this machine",
)
PLAN = seal(
    Plan(
        compiler_version="0.1.0",
        name="support-assistant",
        profile="prod",
        sets=("steps.align.train.beta=0.2",),
        spec_digest="sha256:" + "0b" * 32,
        facts_digest="sha256:" + "0c" * 32,
        machine="this machine: 2 cpu cores, 24 GB, no accelerator",
        lock={},
        steps=(SFT, ALIGN, GATE, SERVE),
        alerts=(
            AlertRule(to=("oncall", "mlops"), severity="critical", events=("run_failed", "gate_failed")),
            AlertRule(to=("mlops",), severity="warning", when="steps.align.loss > 5"),
            AlertRule(to=("mlops",), severity="info", queued_seconds=7200.0),
        ),
    )
)
ACTIONS = (
    StepAction("sft", "reuse"),
    StepAction("align", "rerun", "steps.align.train.beta 0.1 -> 0.2"),
    StepAction("better", "rerun", "align changes"),
    StepAction("serve", "create"),
    StepAction("old_exam", "remove", "not in the spec any more"),
)


def test_a_plan_is_drawn_as_kept() -> None:
    text = render_plan(PLAN, ACTIONS)
    assert text == golden("plan.txt", text)


def test_a_step_is_drawn_as_kept() -> None:
    text = render_step(PLAN, ALIGN)
    assert text == golden("step.txt", text)


def test_what_a_spec_says_can_not_steer_the_terminal() -> None:
    step = replace(GATE, summary="\x1b[2Jgone", gate=Gate(require=("\x1b[2J",), on_fail="stop"))
    plan = replace(PLAN, steps=(step,))
    assert "\x1b" not in render_plan(plan, ())
    assert "\x1b" not in render_step(plan, step)


def test_options_stand_one_a_line_with_their_values() -> None:
    assert option_lines(("{python}", "-P", "-m", "mod", "run", "{bundle}", "--name", "two words")) == [
        "{python}",
        "-P",
        "-m mod run {bundle}",
        "--name 'two words'",
    ]
