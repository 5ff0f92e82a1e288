"""Data sets that ask for it get a step of their own; plans of others stay as they are."""

from collections.abc import Callable

from tunewright.compiler.front import Compilation
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
