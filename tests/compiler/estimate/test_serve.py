"""Serving, evaluation, export: keys and values, what fits into a share of the card, published inference peaks."""

import pytest

from tunewright.compiler.estimate.inference import inference_bytes, key_value_bytes
from tunewright.compiler.estimate.serve import (
    concurrent_requests,
    estimate_deploy,
    estimate_evaluate,
    estimate_export,
    exported_bytes,
)
from tunewright.compiler.ir.facts import DataFacts
from tunewright.compiler.ir.resolved import ResolvedEvaluate, ResolvedExport, ResolvedQuantize

GIB = 2**30
QWEN = "Qwen/Qwen2.5-7B-Instruct"
GPTQ = ResolvedQuantize(method="gptq", bits=4, group_size=128)


def _evaluate(**changes) -> ResolvedEvaluate:
    values = {
        "model": "sft", "suites": ("routing",), "limit": None, "max_new_tokens": 64, "temperature": 0.0,
        "batch_size": 8, "system_prompt": None, "seed": 0, "precision": "bf16", "device": "cuda", "threads": 8,
    }  # fmt: skip
    return ResolvedEvaluate(**{**values, **changes})


def _export(**changes) -> ResolvedExport:
    values = {
        "model": "sft", "merge": True, "quantize": None, "calibration": None, "perplexity_increase": None,
        "precision": "bf16", "device": "cuda", "threads": 8,
    }  # fmt: skip
    return ResolvedExport(**{**values, **changes})


def test_keys_and_values_of_a_token(model) -> None:
    qwen = model(QWEN)  # 28 layers, 4 key-value heads of 128
    assert key_value_bytes(qwen) == 2 * 28 * 4 * 128 * 2
    assert key_value_bytes(qwen, tensor_parallel=2) == key_value_bytes(qwen) / 2
    assert key_value_bytes(qwen, tensor_parallel=8) == key_value_bytes(qwen) / 4  # a head is not divided


@pytest.mark.parametrize(("tokens", "published_gib"), [(1, 14.38), (6144, 15.6), (14336, 17.2), (30720, 20.5)])
def test_inference_of_a_7b_model_is_near_published_peaks(tokens, published_gib, model) -> None:
    sizes = inference_bytes(model(QWEN), precision="bf16", length=tokens, batch=1)
    assert sum(sizes.values()) / GIB == pytest.approx(published_gib, rel=0.12)


def test_a_quantised_model_leaves_room_for_more_requests(deploy, model, machine) -> None:
    qwen, service = model(QWEN), deploy()
    whole = estimate_deploy(service, qwen, machine("a10-24gb"))
    small = estimate_deploy(service, qwen, machine("a10-24gb"), GPTQ)
    assert concurrent_requests(service, qwen, small) > concurrent_requests(service, qwen, whole) >= 1
    assert whole.capacity_bytes == int(0.9 * 23028 * 2**20)


def test_a_model_that_is_too_large_serves_nobody(deploy, model, machine) -> None:
    service, large = deploy(), model("Qwen/Qwen2.5-72B-Instruct")
    estimate = estimate_deploy(service, large, machine("a100-80gb"))
    assert estimate.memory_bytes > estimate.capacity_bytes
    assert concurrent_requests(service, large, estimate) == 0


def test_evaluation_time_needs_the_size_of_every_suite(model, machine) -> None:
    known = DataFacts(rows=100, longest_characters=600, total_characters=40_000)
    estimate = estimate_evaluate(_evaluate(), model(QWEN), machine("a100-80gb"), [known])
    assert estimate.seconds_low < estimate.seconds < estimate.seconds_high
    assert (
        estimate_evaluate(_evaluate(), model(QWEN), machine("a100-80gb"), [known, DataFacts(remote=True)]).seconds
        is None
    )
    limited = estimate_evaluate(_evaluate(limit=10), model(QWEN), machine("a100-80gb"), [known])
    assert limited.seconds < estimate.seconds


def test_export_to_four_bits(model, machine) -> None:
    qwen = model(QWEN)
    estimate = estimate_export(_export(quantize=GPTQ), qwen, machine("a100-80gb"))
    plain = estimate_export(_export(), qwen, machine("a100-80gb"))
    assert exported_bytes(qwen, GPTQ, "bf16") / GIB == pytest.approx(
        5.2, abs=0.3
    )  # 5.2 GiB is the published folder's size
    assert estimate.seconds > plain.seconds
    assert estimate.breakdown["calibration"] > 3 * 4 * 18944**2


def test_a_quantiser_that_goes_block_by_block_needs_one_block_on_the_card(model, machine) -> None:
    estimate = estimate_export(_export(quantize=GPTQ), model(QWEN), machine("a10-24gb"))
    assert estimate.memory_bytes < 0.6 * estimate.capacity_bytes
    on_cpu = estimate_export(_export(quantize=GPTQ, device="cpu"), model(QWEN), machine("cpu"))
    assert on_cpu.breakdown["weights"] == 2 * 7_615_616_512
