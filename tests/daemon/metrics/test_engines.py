"""Figures of engines are read as they write them."""

import time

import pytest

from tunewright.daemon.metrics.engines import EngineReading, read_exposition
from tunewright.runners.serving.measures import Measures

#: As vLLM writes them: several models, a counter of its HTTP front, classes of status.
VLLM = """\
# HELP vllm:e2e_request_latency_seconds Histogram of e2e request latency in seconds.
# TYPE vllm:e2e_request_latency_seconds histogram
vllm:e2e_request_latency_seconds_bucket{le="0.5",model_name="a"} 3.0
vllm:e2e_request_latency_seconds_bucket{le="+Inf",model_name="a"} 4.0
vllm:e2e_request_latency_seconds_count{model_name="a"} 4.0
vllm:e2e_request_latency_seconds_sum{model_name="a"} 2.5
vllm:e2e_request_latency_seconds_bucket{le="0.5",model_name="b"} 1.0
vllm:e2e_request_latency_seconds_bucket{le="+Inf",model_name="b"} 1.0
vllm:e2e_request_latency_seconds_count{model_name="b"} 1.0
vllm:e2e_request_latency_seconds_sum{model_name="b"} 0.25
# HELP http_requests_total Total number of requests by method, status and handler.
# TYPE http_requests_total counter
http_requests_total{handler="/v1/completions",method="POST",status="2xx"} 5.0
http_requests_total{handler="/v1/completions",method="POST",status="4xx"} 2.0
http_requests_total{handler="/health",method="GET",status="2xx"} 77.0
"""


def test_several_models_are_one_service() -> None:
    found = read_exposition(VLLM)
    assert found.buckets == (("0.5", 4), ("+Inf", 5))
    assert found.seconds_sum == 2.75
    assert found.requests == {"2xx": 5, "4xx": 2}


def test_our_own_engine_is_read_as_it_writes() -> None:
    measures = Measures()
    measures.requests.labels("/v1/chat/completions", "200").inc(3)
    measures.requests.labels("/v1/chat/completions", "503").inc()
    measures.requests.labels("/health", "200").inc()
    measures.seconds.observe(0.07)
    found = read_exposition(measures.text().decode())
    assert found.requests == {"2xx": 3, "5xx": 1}
    assert found.buckets[1] == ("0.1", 1)
    assert found.seconds_sum == 0.07


@pytest.mark.parametrize("text", ["", "well", "# TYPE x counter\nx{", "tunewright_requests_total NaN\n", "\x00\xff"])
def test_what_is_no_exposition_says_nothing(text: str) -> None:
    assert read_exposition(text) in (EngineReading(), EngineReading(requests={}))


@pytest.mark.parametrize(
    "sample",
    [
        'tunewright_request_seconds_bucket{le="soon"} 1',
        'tunewright_request_seconds_bucket{le="NaN"} 1',
        "tunewright_request_seconds_bucket 1",
        'tunewright_requests_total{status="200"} +Inf',
        'tunewright_requests_total{status="200"} -7',
    ],
)
def test_figures_that_can_not_be_say_nothing(sample: str) -> None:
    kind = "requests counter" if "requests" in sample else "request_seconds histogram"
    assert read_exposition(f"# TYPE tunewright_{kind}\n{sample}\n") == EngineReading()


def test_an_engine_makes_no_more_series_of_ours_than_any_other() -> None:
    words = [f'tunewright_requests_total{{status="{chr(code)}"}} 1' for code in range(0x4E00, 0x4F00)]
    assert read_exposition("\n".join(["# TYPE tunewright_requests counter", *words, ""])).requests == {}
    bounds = [f'tunewright_request_seconds_bucket{{le="{bound}"}} 1' for bound in range(4000)]
    assert read_exposition("\n".join(["# TYPE tunewright_request_seconds histogram", *bounds, ""])).buckets == ()


@pytest.mark.parametrize("name", ["tunewright_requests_total", "go_gc"])
def test_a_line_without_an_end_costs_nothing(name: str) -> None:
    text = f'{name}{{a="' + '\\"' * 1_000_000 + '"} 1\n'
    begun = time.process_time()
    assert read_exposition(text) == EngineReading(requests={})
    assert time.process_time() - begun < 1.0
