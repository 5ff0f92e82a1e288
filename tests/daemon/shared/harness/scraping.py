"""Read a daemon's figures as Prometheus does."""

import re
import urllib.request
from collections.abc import Mapping

from harness.daemons import Daemon, eventually
from prometheus_client.parser import text_string_to_metric_families

Labels = frozenset[tuple[str, str]]
LOOPBACK = "127.0.0.1:0"


def metrics_url(daemon: Daemon) -> str:
    """Return where a daemon that was started with `--metrics` is scraped."""
    found = eventually(lambda: re.findall(r"metrics on (http[^\s\"]+)", daemon.log))
    return str(found[-1])


def exposition(daemon: Daemon) -> str:
    """Return what a scrape gets."""
    with urllib.request.urlopen(metrics_url(daemon), timeout=30) as answer:
        return answer.read().decode()


def figures(daemon: Daemon) -> dict[str, dict[Labels, float]]:
    """Return every sample by name and labels."""
    found: dict[str, dict[Labels, float]] = {}
    for family in text_string_to_metric_families(exposition(daemon)):
        for sample in family.samples:
            found.setdefault(sample.name, {})[frozenset(sample.labels.items())] = sample.value
    return found


def figure(found: Mapping[str, Mapping[Labels, float]], name: str, **labels: str) -> float | None:
    """Return the sample of a name that has these labels, and maybe others; None where there is none, or several."""
    fitting = [value for own, value in found.get(name, {}).items() if frozenset(labels.items()) <= own]
    return fitting[0] if len(fitting) == 1 else None
