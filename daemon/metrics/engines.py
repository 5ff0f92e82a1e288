"""What the engines of services say of themselves: their own figures for Prometheus, in words of ours.

An engine that says nothing we know is simply not there; Prometheus can scrape it by itself.
"""

import http
import math
import re
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from tunewright.daemon.home import Home
from tunewright.daemon.store.deployments import DeploymentRecord
from tunewright.daemon.supervise.asking import ask, place_of
from tunewright.daemon.supervise.listeners import belongs_to

_MAX_BYTES = 4 * 1024 * 1024
#: Reading a line takes the square of its length, and each bound of a histogram becomes a series of ours.
_LONGEST_LINE, _MOST_LINES, _MOST_BUCKETS = 2048, 5000, 100
_TIMEOUT_SECONDS = 1.0
#: All services together: a scrape waits no longer, whatever hangs. The others are missing in it then.
_ALL_SECONDS = 3.0

#: The engine's histogram of the time from a request to the end of its answer.
_SECONDS = frozenset({"tunewright_request_seconds", "vllm:e2e_request_latency_seconds"})
#: The engine's counter of requests, with the label that holds the HTTP status (`200`, or `2xx`).
_REQUESTS: Mapping[str, str] = {"tunewright_requests": "status", "http_requests": "status"}
#: How lines about one of these begin, comments among them: an engine has hundreds of others.
_KNOWN = "|".join(map(re.escape, sorted({*_SECONDS, *_REQUESTS})))
_OURS = re.compile(rf"(?:# (?:TYPE|HELP) )?(?:{_KNOWN})(?:_[a-z]+)?[ {{]")
#: Classes of HTTP status that there are.
_CLASSES = frozenset("12345")
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
    buckets: Counter[float] = Counter()
    total = 0.0
    try:
        for family in text_string_to_metric_families("".join(_lines(text))):
            if family.name in _REQUESTS:
                requests.update(_requests(family, _REQUESTS[family.name]))
            elif family.name in _SECONDS:
                buckets.update(_buckets(family))
                total += sum(_amount(sample.value) for sample in family.samples if sample.name.endswith("_sum"))
    except (ValueError, LookupError):
        return EngineReading()
    if len(buckets) > _MOST_BUCKETS:
        return EngineReading(requests=requests)
    ordered = tuple((_written(bound), count) for bound, count in sorted(buckets.items()))
    return EngineReading(requests=requests, buckets=ordered, seconds_sum=total)


def _lines(text: str) -> Iterator[str]:
    """Yield the lines that may be about what we know; raise ValueError where they are more, or longer, than can be."""
    found = [line for line in text.split("\n") if _OURS.match(line)]
    if len(found) > _MOST_LINES or any(len(line) > _LONGEST_LINE for line in found):
        raise ValueError("no engine counts like this")
    return (f"{line}\n" for line in found)


def _requests(family: Metric, label: str) -> Counter[str]:
    found: Counter[str] = Counter()
    for sample in family.samples:
        asked = sample.labels.get("path", sample.labels.get("handler", ""))
        status = sample.labels.get(label, "")[:1]
        if sample.name.endswith("_total") and asked not in _WATCHING and status in _CLASSES:
            found[f"{status}xx"] += int(_amount(sample.value))
    return found


def _buckets(family: Metric) -> Counter[float]:
    found: Counter[float] = Counter()
    for sample in family.samples:
        if sample.name.endswith("_bucket"):
            bound = float(sample.labels["le"])
            if math.isnan(bound) or bound == -math.inf:
                raise ValueError("a bound is a number")
            found[bound] += int(_amount(sample.value))
    return found


def _written(bound: float) -> str:
    return "+Inf" if math.isinf(bound) else str(bound)


def _amount(value: float) -> float:
    """Return what was counted; raise ValueError for what can't be."""
    if not math.isfinite(value) or value < 0:
        raise ValueError("a count is a number, from 0 on")
    return value


def _fetched(bundle: Path, address: str, timeout_seconds: float) -> str | None:
    place = place_of(address)
    if place is None or place.host not in _HERE or not belongs_to(bundle, place.host, place.port):
        return None
    answer = ask(place, "/metrics", seconds=timeout_seconds, most_bytes=_MAX_BYTES + 1)
    if answer is None or answer.status != http.HTTPStatus.OK or len(answer.content) > _MAX_BYTES:
        return None
    return answer.content.decode("utf-8", "replace")
