"""Secrets are planted in every place that they may come from, and given to a runner that tells them in every way that
it has: then everything that Tunewright writes, answers or runs is searched for them.
"""

import base64
import json
import os
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest
from harness.daemons import Daemon, eventually
from harness.plans import a_plan, a_step

from tunewright.client.values import Run
from tunewright.compiler.ir.plan import Launch, Limits, Plan, Process, StepInput
from tunewright.daemon.home import Home
from tunewright.daemon.secrets.providers import providers_of

#: One for each kind of place, with what makes escaped forms differ from the value.
CANARIES = {kind.upper(): f'cnry-{kind}/"7qZ+{kind}Xw=é' for kind in ("home", "env", "file", "encrypted", "command")}
#: Prints each secret in every form and in pieces, says it in events, and ends with it in an exception.
INDISCREET = """
import base64, json, os, sys, time
from pathlib import Path
from urllib.parse import quote
bundle = Path(os.environ["TUNEWRIGHT_BUNDLE"])
step = json.loads((bundle / "step.json").read_text())
values = [Path(item["path"]).read_text() for item in step["inputs"].values() if item["role"] == "secret"]
events, number = (bundle / "events.jsonl").open("a"), 0
def emit(kind, **fields):
    global number
    number += 1
    ascii_only = number % 2 == 0
    events.write(json.dumps({"seq": number, "time": "t", "kind": kind, **fields}, ensure_ascii=ascii_only) + "\\n")
    events.flush()
emit("started")
def tell(value):
    coded = base64.b64encode(value.encode()).decode()
    for stream in (sys.stdout, sys.stderr):
        for text in (value, coded, quote(value, safe=""), value.encode().hex(), repr(value), json.dumps(value)):
            print("look:", text, "!", file=stream)
        print(base64.b64encode(b"me:" + value.encode()).decode(), file=stream)
        for cut in range(0, len(value), 3):
            stream.write(value[cut:cut + 3])
            stream.flush()
            time.sleep(0.002)
    emit("metric", step=number, values={value: 1.0})
    emit("metric", step=number, values={"loss": value})
    emit("warning", code="LOUD", message=f"used {value} as {coded}")
    emit("phase", name=value)
for value in values:
    tell(value)
while not (bundle / "work" / "go").exists():
    time.sleep(0.01)
coded = base64.b64encode(values[1].encode()).decode()
emit("failure", reason="REFUSED", message="the hub refuses " + values[0], help="not " + coded)
raise RuntimeError("refused", *values)
"""


@pytest.fixture
def metrics() -> str:
    """Where Prometheus reads the daemon's figures."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


def everywhere(value: str) -> list[bytes]:
    """What of a value must be nowhere."""
    raw = value.encode()
    return [
        raw,
        base64.b64encode(raw),
        quote(value, safe="").encode(),
        raw.hex().encode(),
        json.dumps(value)[1:-1].encode(),
    ]


NEEDLES = {name: everywhere(value) for name, value in CANARIES.items()}


def told_in(content: bytes) -> set[str]:
    return {name for name, needles in NEEDLES.items() if any(needle in content for needle in needles)}


def files_that_tell(root: Path, *allowed: Path) -> list[Path]:
    files = [path for path in root.rglob("*") if path.is_file() and path.parent not in allowed and path not in allowed]
    return [path for path in files if told_in(path.read_bytes())]


def indiscreet_plan() -> Plan:
    step = a_step("fetch", limits=Limits(grace_seconds=5.0, retries=0))
    secrets = {f"secret.{name}": StepInput(role="secret", path=name) for name in CANARIES}
    launch = Launch(environment="control", command=Process(argv=("{python}", "-c", INDISCREET)))
    return a_plan(replace(step, inputs=secrets, launch=launch))


@pytest.fixture
def planted(tmp_path: Path, metrics: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Daemon]:
    """A daemon with a secret in every kind of place."""
    home, folder, vault = Home(tmp_path / "home"), tmp_path / "folder", tmp_path / "vault"
    home.create()
    for place, name in ((folder, "FILE"), (vault, "COMMAND")):
        place.mkdir()
        (place / name).write_text(CANARIES[name] + "\n")
        (place / name).chmod(0o400)
    (home.root / "secrets.yaml").write_text(
        "providers:\n"
        "  - home: {}\n"
        "  - env: {prefix: TW_PLANTED_}\n"
        f"  - file: {{folder: {folder}}}\n"
        f"  - encrypted: {{key_file: {tmp_path / 'key'}}}\n"
        f"  - command: {{argv: [cat, '{vault}/{{name}}']}}\n"
    )
    (home.root / "alerts.yaml").write_text(
        "api_version: tunewright/alerts/v1\n"
        f"sinks: {{out: {{command: {{argv: [/usr/bin/tee, {tmp_path / 'alert.json'}]}}}}}}\n"
        "rules: [{events: [run_failed], to: out}]\n"
    )
    monkeypatch.setenv("TW_PLANTED_ENV", CANARIES["ENV"])
    found = providers_of(home)
    found.keeper.keep("default", "HOME", CANARIES["HOME"].encode())
    found.encrypted.keep("default", "ENCRYPTED", CANARIES["ENCRYPTED"].encode())
    daemon = Daemon(home.root)
    try:
        yield daemon.start("--metrics", metrics)
    finally:
        daemon.clean_up()


def delivered_to(bundle: Path) -> Path:
    return Path(json.loads((bundle / "step.json").read_text())["secrets"])


def in_processes(kind: str) -> dict[int, set[str]]:
    """Return what the arguments or the environments of processes hold."""
    found = {}
    for path in Path("/proc").glob(f"[0-9]*/{kind}"):
        try:
            found[int(path.parent.name)] = told_in(path.read_bytes())
        except OSError:
            continue
    return {pid: names for pid, names in found.items() if names}


def cli(home: Path, *words: str) -> bytes:
    """Return what a command prints."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("TW_PLANTED")}
    done = subprocess.run(
        [sys.executable, "-P", "-m", *words],
        env={**variables, "TUNEWRIGHT_HOME": str(home)},
        capture_output=True,
        check=False,
    )
    return done.stdout + done.stderr


def answers(daemon: Daemon, run: Run) -> bytes:
    """Return everything that the API tells of a run."""
    client = daemon.client
    logs = [chunk for stream in ("stdout", "stderr") for chunk in client.logs(run.id, "fetch", stream=stream)]
    streams = (client.list_runs(), client.list_events(run.id), client.watch(run.id), client.points(run.id))
    return repr([client.get_run(run.id), logs, [list(stream) for stream in streams]]).encode()


def test_planted_secrets_are_nowhere_but_where_they_were_planted(planted: Daemon, metrics: str, tmp_path: Path) -> None:
    run_id = planted.submit(indiscreet_plan()).run.id
    bundle = planted.bundle(run_id, "fetch")
    eventually(lambda: [e for e in planted.client.list_events(run_id) if e.kind == "phase"][4:])

    # While it runs: in memory, for its owner alone; in no argument, and in no environment but the daemon's own.
    folder = delivered_to(bundle)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {name: (folder / name).read_text() for name in CANARIES} == CANARIES
    assert {(folder / name).stat().st_mode & 0o777 for name in CANARIES} == {0o400}
    assert in_processes("cmdline") == {}
    assert in_processes("environ") == {planted.pid: {"ENV"}}
    assert files_that_tell(planted.home, planted.home / "secrets", bundle / "events.jsonl") == []
    runner = json.loads((bundle / "supervisor.json").read_text())["runner"]["pid"]
    assert "Max core file size        1                    1" in Path(f"/proc/{runner}/limits").read_text()

    with urllib.request.urlopen(f"http://{metrics}/metrics", timeout=60) as answer:
        assert told_in(answer.read()) == set()

    (bundle / "work" / "go").touch()
    run = planted.finish(run_id)
    alert = tmp_path / "alert.json"
    eventually(lambda: alert.exists() and alert.read_bytes())

    # Afterwards: nowhere at all.
    assert run.state == "failed"
    step = run.step("fetch")
    assert step.failure is not None
    assert step.failure.reason == "REFUSED"
    assert step.failure.message.startswith("the hub refuses ***")
    assert not folder.exists()
    assert files_that_tell(planted.home, planted.home / "secrets") == []
    assert b"RuntimeError: ('refused', '***', '***'" in (bundle / "stderr.log").read_bytes()
    assert (bundle / "stdout.log").read_bytes().count(b"look: *** !") >= 5 * 3
    assert told_in(answers(planted, run)) == set()
    assert b"the hub refuses ***" in alert.read_bytes()
    assert told_in(alert.read_bytes()) == set()
    home, backup, export = planted.home, tmp_path / "backup", tmp_path / "export"
    printed = [
        cli(home, "tunewright", *words.split())
        for words in (
            f"status {run_id}",
            f"logs {run_id}",
            "secret list",
            "secret list --json",
            f"status {run_id} --json",
        )
    ]
    printed += [cli(home, "tunewright.daemon", "--home", str(home), "--back-up", str(backup))]
    printed += [cli(home, "tunewright.daemon", "--home", str(home), "--export", str(export))]
    assert told_in(b"".join(printed)) == set()
    assert b"ENCRYPTED  encrypted" in printed[2]
    assert (backup / "control.db").exists()
    assert (export / "runs.jsonl").exists()
    assert files_that_tell(backup) == []
    assert files_that_tell(export) == []


def test_who_is_killed_leaves_nothing_behind(planted: Daemon) -> None:
    run_id = planted.submit(indiscreet_plan()).run.id
    bundle = planted.bundle(run_id, "fetch")
    eventually(lambda: [e for e in planted.client.list_events(run_id) if e.kind == "phase"][4:])
    folder = delivered_to(bundle)
    supervisor = json.loads((bundle / "supervisor.json").read_text())["supervisor"]["pid"]
    planted.kill()
    os.kill(supervisor, 9)
    planted.start()
    run = planted.finish(run_id)
    assert run.state == "failed"
    assert not folder.exists()
    assert files_that_tell(planted.home, planted.home / "secrets") == []
    assert told_in(answers(planted, run)) == set()
