"""Figures of engines are read as they write them."""

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
