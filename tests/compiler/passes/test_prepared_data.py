"""Data sets that ask for it get a step of their own; plans of others stay as they are."""

from collections.abc import Callable

import pytest

from tunewright.compiler.front import Compilation
from tunewright.compiler.ir.facts import HardwareFacts
from tunewright.compiler.ir.plan import Plan, StepInput

Compile = Callable[..., Compilation]
PREPARED = "{data: {rows: {scrub: [email, phone], deduplicate: near}}}"


def plan_of(compilation: Compilation) -> Plan:
    assert compilation.plan is not None, [item.message for item in compilation.diagnostics]
    return compilation.plan


def test_plan_without_it_has_no_step_for_it(compile_overlay: Compile) -> None:
    assert all(step.verb != "prepare" for step in plan_of(compile_overlay("{}")).steps)


def test_prepared_set_is_read_by_all_that_learn_from_it(compile_overlay: Compile) -> None:
    more = "steps: {again: {train: {method: sft, data: rows, learning_rate: 1.0e-5}}}"
    plan = plan_of(compile_overlay(PREPARED[:-1] + ", " + more + "}"))

    prepared = plan.step("data-rows")
    assert (prepared.kind, prepared.summary) == ("prepare.data", "scrub phone, email; near duplicates")
    assert prepared.parameters["scrub"] == ["phone", "email"]
    assert plan.steps.index(prepared) < plan.steps.index(plan.step("sft"))
    for name in ("sft", "again"):
        step = plan.step(name)
        assert step.inputs["data.rows"] == StepInput(role="data", step="data-rows")
        assert "data-rows" in step.needs
        assert step.identity["step.data-rows"] == prepared.digest
        assert "data.rows" not in step.identity


def test_order_of_kinds_and_the_word_all_mean_the_same(compile_overlay: Compile) -> None:
    one, other = (
        plan_of(compile_overlay(f"{{data: {{rows: {{scrub: {scrub}}}}}}}")).step("data-rows").digest
        for scrub in ("all", "[key, ip, iban, bank_card, id_card, email, phone]")
    )
    assert one == other
    assert one != plan_of(compile_overlay("{data: {rows: {scrub: phone}}}")).step("data-rows").digest


def test_tokens_are_made_ahead_for_accelerators(compile_overlay: Compile) -> None:
    machine = "resources: {accelerator: a100-80gb, count: 8}, data: {rows: {deduplicate: exact}}"
    plan = plan_of(compile_overlay(f"{{{machine}}}"))
    faster = plan_of(compile_overlay(f"{{{machine}, steps: {{sft: {{train: {{learning_rate: 1.0e-5}}}}}}}}"))
    shorter = plan_of(compile_overlay(f"{{{machine}, steps: {{sft: {{train: {{max_length: 64}}}}}}}}"))

    tokens, sft = plan.step("tokens-sft"), plan.step("sft")
    assert tokens.inputs["data.rows"].step == "data-rows"
    assert tokens.launch is not None
    assert tokens.launch.command.env["CUDA_VISIBLE_DEVICES"] == ""
    assert sft.inputs["tokens"] == StepInput(role="data", step="tokens-sft")
    assert not any(key.startswith("data.") for key in sft.inputs)
    assert sft.provenance["tokenize"] == "derived: accelerators never wait for it"
    assert faster.step("tokens-sft").digest == tokens.digest
    assert faster.step("sft").digest != sft.digest
    assert shorter.step("tokens-sft").digest != tokens.digest


def test_methods_that_read_texts_make_no_tokens_ahead(compile_overlay: Compile) -> None:
    plan = plan_of(compile_overlay("{resources: {accelerator: a100-80gb, count: 8}}"))
    assert [step.name for step in plan.steps if step.kind == "prepare.tokens"] == ["tokens-sft"]


def test_limit_is_no_matter_of_preparation(compile_overlay: Compile) -> None:
    whole, some = (
        plan_of(compile_overlay(f"{{data: {{rows: {{deduplicate: exact, limit: {limit}}}}}}}"))
        for limit in ("null", "30")
    )
    assert whole.step("data-rows").digest == some.step("data-rows").digest
    assert whole.step("sft").digest != some.step("sft").digest


def test_tokens_are_made_ahead_where_held_rows_would_fill_the_memory(compile_overlay: Compile) -> None:
    machine = HardwareFacts(cpu_cores=4, memory_bytes=20_000, disk_free_bytes=500 * 2**30)
    held = compile_overlay("{}").resolved
    streamed = compile_overlay("{}", hardware=machine).resolved
    assert held is not None
    assert streamed is not None
    assert [train.tokenize for step, train in held.trains() if step.name == "sft"] == ["inside"]
    assert [train.tokenize for step, train in streamed.trains() if step.name == "sft"] == ["ahead"]


SEEN = """\
api_version: tunewright/v1
name: sample
base: {model: "hf://Qwen/Qwen2.5-VL-7B-Instruct@cc594898137f460bfe9f0759e9844b3ce807cfb5"}
data: {seen: {source: "file:seen.jsonl", deduplicate: near}}
steps: {sft: {train: {method: sft, data: seen, %s}}}
resources: {accelerator: a100-80gb, count: 2}
"""


def test_prepared_images_are_bound_by_the_step_that_keeps_them(compile_spec: Compile) -> None:
    plan = plan_of(compile_spec(SEEN % "parallelism: ddp"))
    prepared, sft = plan.step("data-seen"), plan.step("sft")
    assert str(prepared.parameters["images"]).startswith("sha256:")
    assert sft.parameters["data"]["seen"]["images"] == "prepared"
    assert sft.not_executable is None
    assert [step.name for step in plan.steps if step.kind == "prepare.tokens"] == []


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("parallelism: zero3", "under zero3"),
        ("parallelism: ddp, tokenize: ahead", "no tokens of them to make ahead"),
        ("parallelism: ddp, tuner: prompt", "prompt is not built beside an image encoder"),
        ("parallelism: ddp, packing: true", "can't be packed"),
    ],
)
def test_what_images_do_not_go_with_is_found(compile_spec: Compile, written: str, why: str) -> None:
    found = {item.code: item for item in compile_spec(SEEN % written).diagnostics}
    assert why in found["TW2060"].primary.text
