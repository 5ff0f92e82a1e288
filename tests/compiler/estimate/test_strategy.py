"""The choice of parallelism: what is taken on which machine, what was not and why, and what is never touched."""

import pytest

from tunewright.compiler.estimate.fit import Fit, fit_of
from tunewright.compiler.estimate.strategy import choose
from tunewright.compiler.ir.facts import DataFacts, ModelFacts
from tunewright.compiler.ir.resolved import ResolvedTuner

QWEN_7B, QWEN_14B, QWEN_72B = (f"Qwen/Qwen2.5-{size}-Instruct" for size in ("7B", "14B", "72B"))
DATA = [DataFacts(rows=100_000, longest_characters=4000, total_characters=120_000_000)]
AUTO = {"strategy": "auto", "processes": 0}


def test_an_adapter_of_a_7b_model_trains_on_one_card(train, model, machine) -> None:
    chosen = choose(train(**AUTO), model(QWEN_7B), machine("a100-80gb", 1), DATA)
    assert (chosen.strategy, chosen.processes, chosen.nodes) == ("single", 1, 1)
    assert "GiB" in chosen.reason


def test_an_adapter_of_a_7b_model_on_eight_cards_is_data_parallel(train, model, machine) -> None:
    chosen = choose(train(**AUTO), model(QWEN_7B), machine("a100-80gb", 8), DATA)
    assert (chosen.strategy, chosen.processes) == ("ddp", 8)
    rejected = {item.strategy: item.reason for item in chosen.alternatives}
    assert set(rejected) == {"single", "zero2", "zero3", "zero3 with offload", "fsdp2"}
    assert "instead of" in rejected["single"]


def test_full_fine_tuning_is_sharded_as_much_as_it_must(train, model, machine, full) -> None:
    seven = choose(train(**AUTO, tuner=full), model(QWEN_7B), machine("a100-80gb", 8), DATA)
    assert seven.strategy == "zero2"
    fourteen = choose(
        train(**AUTO, tuner=full, per_device_train_batch_size=1), model(QWEN_14B), machine("a100-80gb", 8), DATA
    )
    assert fourteen.strategy in {"fsdp2", "zero3"}
    rejected = {item.strategy: item.reason for item in fourteen.alternatives}
    assert "does not fit" in rejected["ddp"]


def test_offload_is_taken_when_nothing_else_fits(train, model, machine, full) -> None:
    step = train(**AUTO, tuner=full, per_device_train_batch_size=1)
    chosen = choose(step, model(QWEN_14B), machine("a100-40gb", 4, host_gib=2048), DATA)
    assert (chosen.strategy, chosen.offload_optimizer, chosen.offload_parameters) == ("zero3", "cpu", "cpu")


def test_when_nothing_fits_the_reason_says_what_is_missing(train, model, machine, full) -> None:
    step = train(**AUTO, tuner=full, per_device_train_batch_size=1)
    chosen = choose(step, model(QWEN_72B), machine("a100-80gb", 8, host_gib=1800), DATA)
    assert chosen.reason.startswith("nothing fits")
    assert "of the host" in chosen.reason


def test_a_four_bit_base_is_not_sharded(train, model, machine) -> None:
    tuner = ResolvedTuner(type="qlora", rank=64, alpha=16.0, target_modules=("q_proj", "v_proj"))
    chosen = choose(train(**AUTO, tuner=tuner), model(QWEN_7B), machine("a10-24gb", 4), DATA)
    assert chosen.strategy == "ddp"
    assert "4 bits" in {item.strategy: item.reason for item in chosen.alternatives}["zero3"]


def test_a_machine_without_accelerators_runs_one_process(train, model, machine) -> None:
    chosen = choose(train(**AUTO, device="cpu", threads=2), model(QWEN_7B), machine("cpu"), DATA)
    assert (chosen.strategy, chosen.processes) == ("single", 1)
    assert "2 threads" in chosen.reason


@pytest.mark.parametrize("strategy", ["ddp", "zero2", "zero3", "fsdp2"])
def test_what_is_written_is_kept_and_the_rest_is_filled_in(strategy, train, model, machine) -> None:
    here = choose(train(strategy, 0), model(QWEN_7B), machine("a100-80gb", 8, nodes=2), DATA)
    assert (here.strategy, here.processes, here.nodes) == (strategy, 16, 2)
    on_cpu = choose(train(strategy, 0, device="cpu"), model(QWEN_7B), machine("cpu"), DATA)
    assert (on_cpu.strategy, on_cpu.processes) == (strategy, 2)


def test_written_processes_bound_the_search(train, model, machine) -> None:
    chosen = choose(train("auto", 4), model(QWEN_7B), machine("a100-80gb", 8), DATA)
    assert (chosen.strategy, chosen.processes) == ("ddp", 4)


def test_model_parallel_degrees_mean_megatron(train, model, machine, full) -> None:
    layout = {"tensor_parallel": 4, "pipeline_parallel": 2}
    chosen = choose(train(**AUTO, tuner=full, layout=layout), model(QWEN_72B), machine("a100-80gb", 8), DATA)
    assert (chosen.strategy, chosen.processes, chosen.data_parallel) == ("megatron", 8, 1)


def test_an_unknown_model_gets_a_safe_choice(train, machine, full) -> None:
    unknown = ModelFacts(source="hf://nobody/nothing", origin="unknown")
    assert choose(train(**AUTO), unknown, machine("a100-80gb", 1)).strategy == "single"
    chosen = choose(train(**AUTO, tuner=full), unknown, machine("a100-80gb", 8))
    assert chosen.strategy == "zero2"
    assert "unknown" in chosen.reason


def test_the_choice_is_deterministic(train, model, machine, full) -> None:
    step, qwen, hardware = train(**AUTO, tuner=full), model(QWEN_14B), machine("h100-80gb", 8)
    assert choose(step, qwen, hardware, DATA) == choose(step, qwen, hardware, DATA)


@pytest.mark.parametrize(("needed", "expected"), [(70, Fit.FITS), (90, Fit.TIGHT), (101, Fit.TOO_LARGE)])
def test_fit_has_a_margin(needed, expected) -> None:
    assert fit_of(needed, 100) is expected


def test_without_rows_no_time_is_claimed(train, model, machine) -> None:
    chosen = choose(train(**AUTO), model(QWEN_7B), machine("a100-80gb", 8))
    assert "takes" not in chosen.reason
    assert "times as long" in {item.strategy: item.reason for item in chosen.alternatives}["single"]
