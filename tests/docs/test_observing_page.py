"""docs/observing.md tells of every metric, and of none that there is not."""

import json
import logging
import os
import re
import shlex
import subprocess
import sys
from contextvars import Context
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest

import tunewright
from tunewright.daemon.access.file import read_access_file
from tunewright.daemon.clock import system_clock
from tunewright.daemon.engine.points import PointStore
from tunewright.daemon.followers import Followers
from tunewright.daemon.home import Home
from tunewright.daemon.log.context import working_for
from tunewright.daemon.log.formats import JsonLines
from tunewright.daemon.metrics.exposition import Exposition, Sources
from tunewright.daemon.metrics.instruments import Instruments
from tunewright.daemon.store.database import Database

PAGE = (Path(__file__).parents[2] / "docs" / "observing.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def metrics(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Type by name of every family."""
    home = Home(tmp_path_factory.mktemp("home"))
    Database(home.database)
    registry = CollectorRegistry()
    Instruments(registry)
    Exposition(
        registry,
        Sources(
            home=home,
            clock=system_clock(),
            points=PointStore(home.points),
            followers=Followers(),
            heard=dict,
            samples=dict,
        ),
    )
    return dict(re.findall(r"^# TYPE (\S+) (\S+)$", generate_latest(registry).decode(), re.MULTILINE))


def test_every_metric_is_told_of(metrics: dict[str, str]) -> None:
    rows = re.findall(r"^\| `(tunewright_\w+)` \| [\w, ]*\| (.*) \|$", PAGE, re.MULTILINE)
    ours = {name: kind for name, kind in metrics.items() if name.startswith("tunewright_")}
    assert sorted(name for name, _ in rows) == sorted(ours)
    for name, meaning in rows:
        assert ("histogram" in meaning) == (ours[name] == "histogram"), name


def test_a_line_of_the_log_is_as_it_is_shown() -> None:
    (block,) = re.findall(r"^```json\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    (line,) = block.splitlines()
    shown = json.loads(line)

    def write() -> str:
        with working_for(project="support", run="20261122-091200-ab12", step="sft", attempt=2):
            name, level = "tunewright.daemon.engine.ledger", logging.INFO
            return JsonLines(str).format(logging.LogRecord(name, level, "", 1, shown["message"], (), None))

    written = Context().run(write)  # other tests may have said what they work for
    assert list(json.loads(written)) == list(shown)
    assert json.loads(written) == {**shown, "time": json.loads(written)["time"]}
    for name in shown:
        assert re.search(rf"^\| .*`{name}`", PAGE, re.MULTILINE), name


def test_the_access_file_is_one(tmp_path: Path) -> None:
    (text,) = [
        block for block in re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL) if "metrics:" in block
    ]
    (tmp_path / "access.yaml").write_text(text)
    assert read_access_file(tmp_path / "access.yaml").metrics == "0.0.0.0:9464"


def test_the_pages_commands_run(tmp_path: Path) -> None:
    lines = "".join(re.findall(r"^```console\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)).splitlines()
    daemon, *others = (shlex.split(line)[1:] for line in lines)
    environment = {
        **os.environ,
        "PYTHONPATH": str(Path(tunewright.__file__).parents[1]),
        "TUNEWRIGHT_HOME": str(tmp_path / "home"),
        "TUNEWRIGHT_CONTEXTS": str(tmp_path / "contexts.yaml"),
    }
    program = [sys.executable, "-P", "-m", "tunewright"]
    words = [word.replace(":9464", ":0") for word in daemon]
    with subprocess.Popen([*program, *words], env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        while "ready on" not in process.stderr.readline():
            assert process.poll() is None
        try:
            for line in others:
                done = subprocess.run([*program, *line], cwd=tmp_path, env=environment, capture_output=True, text=True)
                assert done.returncode == 0, done.stderr
        finally:
            process.terminate()
    assert (tmp_path / "prometheus.token").read_text().startswith("twt_")
