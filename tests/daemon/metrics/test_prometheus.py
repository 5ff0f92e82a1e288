"""A real Prometheus scrapes a daemon: its figures are sound, and every query of dashboard and rules means something."""

import json
import re
import runpy
import socket
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from harness.daemons import Daemon, eventually
from harness.plans import a_plan, a_step
from harness.scraping import LOOPBACK, exposition, metrics_url

ROOT = Path(__file__).parents[3]
RULES = ROOT / "deploy" / "prometheus"
DASHBOARD = ROOT / "deploy" / "grafana" / "tunewright.json"
POINT = {"emit": {"kind": "metric", "step": 3, "values": {"loss": 1.5, "tokens_per_second": 9.0, "grad_norm": 0.5}}}
MACHINE = {
    "devices": [
        {"uuid": "GPU-1", "name": "NVIDIA A100-SXM4-80GB", "memory_bytes": 2**36, "utilization": 0.5,
         "temperature_celsius": 60}
    ]
}  # fmt: skip
#: What has nothing to show here: no service answers requests, nothing was refused, no step failed.
QUIET = re.compile(r"tunewright_deployment_|tunewright_access_denials")


@dataclass(frozen=True, slots=True)
class Prometheus:
    """A Prometheus that scrapes one daemon every half second."""

    address: str

    def ask(self, path: str, **parameters: str) -> Any:
        """Return the data of an answer of its API."""
        url = f"http://{self.address}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(url, timeout=30) as answer:
            value = json.load(answer)
        assert value["status"] == "success", value
        return value["data"]

    def rows(self, query: str) -> list[Any]:
        """Return what a query finds now."""
        return list(self.ask("query", query=query)["result"])


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon with an accelerator, a run that has ended, and a training that goes on."""
    folder = tmp_path_factory.mktemp("busy")
    (folder / "machine.json").write_text(json.dumps(MACHINE))
    daemon = Daemon(folder / "home").start("--metrics", LOOPBACK, "--devices", str(folder / "machine.json"))
    try:
        daemon.finish(daemon.submit(a_plan(a_step("one"), name="done")).run.id)
        daemon.submit(a_plan(a_step("sft", [POINT, {"sleep": 600}]), name="going"))
        eventually(lambda: "tunewright_training_loss{" in exposition(daemon))
        yield daemon
    finally:
        daemon.clean_up()


@pytest.fixture(scope="module")
def scraping(busy: Daemon, prometheus_programs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """A Prometheus that has scraped the daemon a few times."""
    folder = tmp_path_factory.mktemp("prometheus")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    settings = (RULES / "prometheus.yml").read_text()
    settings = settings.replace("127.0.0.1:9464", urllib.parse.urlsplit(metrics_url(busy)).netloc).replace(
        "15s", "500ms"
    )
    (folder / "prometheus.yml").write_text(settings)
    (folder / "tunewright.rules.yml").write_text((RULES / "tunewright.rules.yml").read_text())
    words = [f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [prometheus_programs / "prometheus", *words, f"--web.listen-address={address}"], stdout=log, stderr=log
        )
    try:
        prometheus = Prometheus(address)

        def has_scraped() -> bool:
            with suppress(OSError):
                return bool(prometheus.rows('count_over_time(up{job="tunewright"}[1m]) >= 4'))
            return False

        eventually(has_scraped)
        yield prometheus
    finally:
        process.terminate()
        process.wait(30)


def promtool(programs: Path, *words: str, given: str = "") -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [programs / "promtool", *words], cwd=RULES, input=given, capture_output=True, text=True, timeout=60, check=False
    )


def dashboard_queries() -> list[tuple[str, str]]:
    """Return title and query of every panel, as Grafana would ask it."""
    panels = json.loads(DASHBOARD.read_text())["panels"]
    found = [(panel["title"], target["expr"]) for panel in panels for target in panel.get("targets", ())]
    words = {"$project": ".*", "$interval": "1m", "$__range": "1m"}
    return [(title, re.sub(r"\$\w+", lambda word: words[word.group()], query)) for title, query in found]


def test_the_exposition_is_sound(busy: Daemon, prometheus_programs: Path) -> None:
    done = promtool(prometheus_programs, "check", "metrics", given=exposition(busy))
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_rules_and_settings_are_sound(prometheus_programs: Path) -> None:
    for words in (("check", "config", "prometheus.yml"), ("test", "rules", "tunewright.tests.yml")):
        done = promtool(prometheus_programs, *words)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_target_is_up_and_its_figures_arrive(scraping: Prometheus) -> None:
    (target,) = scraping.ask("targets")["activeTargets"]
    assert (target["health"], target["lastError"]) == ("up", "")
    (row,) = scraping.rows('tunewright_training_loss{spec="going", step="sft"}')
    assert float(row["value"][1]) == 1.5
    assert scraping.rows("tunewright_accelerator_temperature_celsius") != []


def test_every_query_of_the_dashboard_finds_what_is_there(scraping: Prometheus) -> None:
    empty = []
    for title, query in dashboard_queries():
        rows = scraping.rows(query)
        if not rows and not QUIET.search(query):
            empty.append((title, query))
    assert not empty


def test_dashboard_and_rules_name_metrics_that_there_are(busy: Daemon) -> None:
    found = re.findall(r"^# TYPE (\S+) (\S+)$", exposition(busy), re.MULTILINE)
    known = {name for name, _ in found}
    for name, kind in found:
        known |= {f"{name}{part}" for part in ("_bucket", "_sum", "_count") if kind == "histogram"}
    named = " ".join(query for _, query in dashboard_queries())
    named += "\n".join(re.findall(r"expr: (.*?)(?:\n\s+(?:for|labels|- )|\Z)", rules(), re.DOTALL))
    assert set(re.findall(r"(?<!:)\b(?:tunewright|process)_\w+", named)) <= known


def rules() -> str:
    return (RULES / "tunewright.rules.yml").read_text()


def test_alerts_are_loaded_and_none_of_them_cries(scraping: Prometheus) -> None:
    groups = scraping.ask("rules")["groups"]
    assert {rule["health"] for group in groups for rule in group["rules"]} <= {"ok", "unknown"}
    alerts = [rule for group in groups for rule in group["rules"] if rule["type"] == "alerting"]
    assert len(alerts) == rules().count("- alert: ")
    assert [rule["name"] for rule in alerts if rule["state"] == "firing"] == []


def test_the_dashboard_is_what_its_script_writes() -> None:
    wanted = runpy.run_path(str(ROOT / "scripts" / "gen_dashboard.py"))["dashboard_text"]()
    assert DASHBOARD.read_text() == wanted, "write it anew: python -P scripts/gen_dashboard.py"
