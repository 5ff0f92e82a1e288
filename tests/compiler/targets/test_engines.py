"""Serving engines: whole command lines, and settings of the quantisers."""

import pytest

from tunewright.compiler.facts.engines import ENGINES, can_serve
from tunewright.compiler.ir.resolved import ResolvedQuantize
from tunewright.compiler.targets import lmdeploy, sglang, vllm
from tunewright.compiler.targets.awq import awq_settings
from tunewright.compiler.targets.gptq import gptq_settings

COMMANDS = {"vllm": vllm.serve_argv, "sglang": sglang.serve_argv, "lmdeploy": lmdeploy.serve_argv}


def test_vllm_serves_a_gptq_export_over_two_cards(deploy) -> None:
    argv = vllm.serve_argv(deploy(tensor_parallel=2, p95_latency_seconds=0.8), "gptq")
    assert " ".join(argv) == (
        "{python} -P -m tunewright.runners.serve_vllm run {bundle} -- --host 127.0.0.1 --port 8000 "
        "--served-model-name assistant --max-model-len 8192 --tensor-parallel-size 2 --gpu-memory-utilization 0.9 "
        "--dtype bfloat16 --max-num-seqs 64 --quantization gptq --enable-prefix-caching"
    )


def test_sglang(deploy) -> None:
    argv = sglang.serve_argv(deploy(engine="sglang"), "awq")
    assert " ".join(argv[argv.index("--") + 1 :]) == (
        "--host 127.0.0.1 --port 8000 --served-model-name assistant --context-length 8192 --tp-size 1 "
        "--mem-fraction-static 0.9 --dtype bfloat16 --max-running-requests 256 --quantization awq"
    )


def test_lmdeploy(deploy) -> None:
    argv = lmdeploy.serve_argv(deploy(engine="lmdeploy"), None)
    assert " ".join(argv[argv.index("--") + 1 :]) == (
        "--server-name 127.0.0.1 --server-port 8000 --model-name assistant --session-len 8192 --tp 1 "
        "--cache-max-entry-count 0.9 --dtype bfloat16 --max-batch-size 256 --enable-prefix-caching --backend turbomind"
    )
    on_ascend = lmdeploy.serve_argv(deploy(engine="lmdeploy", device="npu"), None)
    assert on_ascend[-4:] == ("--backend", "pytorch", "--device", "ascend")


@pytest.mark.parametrize("engine", sorted(COMMANDS))
def test_no_secret_and_no_empty_argument_on_a_command_line(engine, deploy) -> None:
    argv = COMMANDS[engine](deploy(engine=engine, api_key="${secret:KEY}"), None)
    assert all(argv)
    assert not [part for part in argv if "KEY" in part or "api" in part]


@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_engines_serve_what_the_quantisers_write(engine) -> None:
    assert all(can_serve(engine, method) for method in (None, "gptq", "awq", "fp8"))
    assert not can_serve(engine, "bnb")


def test_settings_of_gptq() -> None:
    settings = gptq_settings(ResolvedQuantize(method="gptq", bits=4, group_size=128))["quantize"]
    assert (settings["bits"], settings["group_size"], settings["sym"]) == (4, 128, True)
    assert gptq_settings(ResolvedQuantize(method="gptq", bits=8, group_size=0))["quantize"]["group_size"] == -1


def test_settings_of_awq() -> None:
    recipe = awq_settings(ResolvedQuantize(method="awq", bits=4, group_size=64))["recipe"]
    weights = recipe["QuantizationModifier"]["config_groups"]["group_0"]["weights"]
    assert weights == {"num_bits": 4, "type": "int", "symmetric": False, "strategy": "group", "group_size": 64}
