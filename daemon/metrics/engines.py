"""What the engines of services say of themselves: their own figures for Prometheus, in words of ours.

An engine that says nothing we know is simply not there; Prometheus can scrape it by itself.
"""

import http.client
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from tunewright.daemon.home import Home
from tunewright.daemon.store.deployments import DeploymentRecord
from tunewright.daemon.supervise.listeners import belongs_to

_MAX_BYTES = 4 * 1024 * 1024
_TIMEOUT_SECONDS = 1.0
#: All services together: a scrape waits no longer, whatever hangs. The others are missing in it then.
_ALL_SECONDS = 3.0

#: The engine's histogram of the time from a request to the end of its answer.
_SECONDS = frozenset({"tunewright_request_seconds", "vllm:e2e_request_latency_seconds"})
#: The engine's counter of requests, with the label that holds the HTTP status (`200`, or `2xx`).
_REQUESTS: Mapping[str, str] = {"tunewright_requests": "status", "http_requests": "status"}
#: An address is what a runner says of itself: nobody is made to ask other machines by it.
_HERE = frozenset({"127.0.0.1", "::1", "localhost"})
#: Paths that are asked by machines that watch, not by callers.
_WATCHING = frozenset({"/health", "/metrics", "/ping"})


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineReading:
    """What one engine has counted since its start: requests by class of status (`2xx`), times below bounds."""

    requests: Mapping[str, float] = field(default_factory=dict)
    buckets: tuple[tuple[str, float], ...] = ()
    seconds_sum: float = 0.0


def read_engines(services: Iterable[DeploymentRecord], home: Home) -> dict[int, EngineReading]:
    """Return what engines of services on this machine say, by the deployment's id."""
    deadline = time.monotonic() + _ALL_SECONDS
    found = {}
    for record in services:
        left = min(_TIMEOUT_SECONDS, deadline - time.monotonic())
        bundle = home.bundle(record.run, record.step, record.attempt)
        text = _fetched(bundle, record.address, left) if left > 0 else None
        if text is not None:
            found[record.id] = read_exposition(text)
    return found


def read_exposition(text: str) -> EngineReading:
    """Return what we know of an engine's figures; what is no exposition says nothing."""
    requests: Counter[str] = Counter()
    buckets: Counter[str] = Counter()
    total = 0.0
    try:
        for family in text_string_to_metric_families(text):
            if family.name in _REQUESTS:
                requests.update(_requests(family, _REQUESTS[family.name]))
            elif family.name in _SECONDS:
                buckets.update(_buckets(family))
                total += sum(sample.value for sample in family.samples if sample.name.endswith("_sum"))
    except ValueError:
        return EngineReading()
    ordered = tuple(sorted(buckets.items(), key=lambda item: float(item[0])))
    return EngineReading(requests=requests, buckets=ordered, seconds_sum=total)


def _requests(family: Metric, label: str) -> Counter[str]:
    found: Counter[str] = Counter()
    for sample in family.samples:
        asked = sample.labels.get("path", sample.labels.get("handler", ""))
        if sample.name.endswith("_total") and asked not in _WATCHING:
            found[f"{sample.labels.get(label, '')[:1]}xx"] += int(sample.value)
    return found


def _buckets(family: Metric) -> Counter[str]:
    found: Counter[str] = Counter()
    for sample in family.samples:
        if sample.name.endswith("_bucket"):
            found[sample.labels["le"]] += int(sample.value)
    return found


def _fetched(bundle: Path, address: str, timeout_seconds: float) -> str | None:
    parts = urlsplit(address)
    host, port = parts.hostname or "", parts.port or 80
    if host not in _HERE or not belongs_to(bundle, host, port):
        return None
    connection = http.client.HTTPConnection(host, port, timeout=timeout_seconds)
    try:
        connection.request("GET", "/metrics")
        answer = connection.getresponse()
        content = answer.read(_MAX_BYTES + 1)
        whole = answer.status == http.HTTPStatus.OK and len(content) <= _MAX_BYTES
        return content.decode("utf-8", "replace") if whole else None
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()
