"""The daemon's log: one line a record, what it is about, and no secret in it."""

import json
import logging
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from harness.daemons import PACKAGE_ROOT, Daemon, eventually
from harness.plans import a_plan, a_step

from tunewright.client.errors import RefusedError
from tunewright.client.values import SpecSource
from tunewright.daemon.access.tokens import mint
from tunewright.daemon.home import Home
from tunewright.daemon.log.context import current, work_for, working_for
from tunewright.daemon.log.formats import JsonLines, TextLines
from tunewright.daemon.log.redaction import REDACTION, Redaction
from tunewright.daemon.secrets.delivery import Delivery
from tunewright.daemon.secrets.folder import home_provider
from tunewright.daemon.secrets.providers import Providers

MASK = "***"
PASSWORD = 'hunter2-"quoted"\\and\ttabbed'
KEY = "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49\nAgEGCCqGSM49AwEHBG0w\n-----END PRIVATE KEY-----\n"
TURNS = "\x1b[2J \x00 \x85 \u2028 \u202e \x9b31m"

Formatter = Callable[[logging.LogRecord], str]


@pytest.fixture
def redaction() -> Redaction:
    """A redaction that knows the planted secrets."""
    redaction = Redaction()
    for secret in (PASSWORD, KEY, "yes", ""):
        redaction.remember(secret.encode())
    return redaction


@pytest.fixture(params=[JsonLines, TextLines])
def written(request: pytest.FixtureRequest, redaction: Redaction) -> Formatter:
    """Each of the forms."""
    return request.param(redaction).format  # type: ignore[no-any-return]


@pytest.fixture(autouse=True)
def nothing_said() -> Iterator[None]:
    with working_for():
        yield


def a_record(message: str, *arguments: Any, error: BaseException | None = None) -> logging.LogRecord:
    trouble = None if error is None else (type(error), error, error.__traceback__)
    return logging.LogRecord("tunewright.daemon.app", logging.WARNING, __file__, 1, message, arguments, trouble)


def raised(message: str) -> BaseException:
    try:
        raise ValueError(message)
    except ValueError as error:
        return error


@pytest.mark.parametrize(
    "record",
    [
        a_record(f"the password is {PASSWORD}"),
        a_record("the password is %s, the key %r", PASSWORD, KEY),
        a_record("it did not work", error=raised(f"login with {PASSWORD} failed")),
        a_record("key:\n%s", KEY),
        a_record("a line of it: %s", KEY.splitlines()[1]),
        a_record("arguments that don't fit %d", PASSWORD),
        a_record("sent %s", json.dumps({"password": PASSWORD})),
        a_record("GET /login?password=%s", quote(PASSWORD)),
        a_record("Authorization: Basic %s", b64encode(PASSWORD.encode()).decode()),
    ],
)
def test_planted_secrets_are_not_written(written: Formatter, record: logging.LogRecord) -> None:
    work_for(request=PASSWORD)
    text = written(record)
    assert "hunter2" not in text
    assert "MIGHAgEA" not in text
    assert MASK in text


def test_short_values_and_other_words_stay(written: Formatter) -> None:
    assert "yes, it works" in written(a_record("yes, it works"))


def test_credentials_are_known_by_their_form(written: Formatter) -> None:
    secret = mint().secret
    text = written(a_record("authorization: Bearer abcdef.ghijkl-mnop; %s", secret))
    assert "abcdef" not in text
    assert secret not in text


def test_new_secrets_are_known_at_once(redaction: Redaction) -> None:
    assert redaction("second-secret") == "second-secret"
    redaction.remember(b"second-secret")
    assert redaction("second-secret") == MASK


def test_a_secret_that_begins_with_another_goes_as_a_whole() -> None:
    redaction = Redaction()
    redaction.remember(b"secret-word")
    redaction.remember(b"secret-word-and-more")
    assert redaction("secret-word-and-more") == MASK


def test_json_is_one_line_whatever_is_said() -> None:
    line = JsonLines(str).format(a_record(f"first\nsecond {TURNS}", error=raised("why\nso")))
    assert len(line.splitlines()) == 1
    value = json.loads(line)
    assert value["message"].startswith("first\nsecond \\x1b[2J")
    assert value["error"].startswith("Traceback (most recent call last):")
    assert value["error"].endswith("ValueError: why\nso")
    assert (value["level"], value["logger"]) == ("warning", "daemon.app")
    assert value["time"].endswith("+00:00")


def test_text_can_not_steer_a_terminal() -> None:
    text = TextLines(str).format(a_record(f"first\nsecond {TURNS}", error=raised(TURNS)))
    first, *trouble = text.split("\n")
    assert "first\\nsecond \\x1b[2J \\x00 \\x85 \\u2028 \\u202e \\x9b31m" in first
    assert trouble[0] == "Traceback (most recent call last):"
    assert not set(TURNS) - {" ", "m", "[", "2", "J", "3", "1"} & set(text)


def test_lines_say_what_they_are_about() -> None:
    with working_for(run="20261122-100000-ab12", project="support", step=""):
        with working_for(step="sft", attempt=2):
            value = json.loads(JsonLines(str).format(a_record("hello")))
            text = TextLines(str).format(a_record("hello"))
        assert dict(current()) == {"run": "20261122-100000-ab12", "project": "support"}
    assert {name: value[name] for name in ("project", "run", "step", "attempt")} == {
        "project": "support",
        "run": "20261122-100000-ab12",
        "step": "sft",
        "attempt": 2,
    }
    assert text.endswith("hello   [run=20261122-100000-ab12 project=support step=sft attempt=2]")


def test_a_daemon_tells_runs_and_requests(stopped_daemon: Daemon) -> None:
    daemon = stopped_daemon.start("--log-format", "json")
    run = daemon.finish(daemon.submit(a_plan(a_step("one"), a_step("two", [{"exit": 1}])), request_id="mine").run.id)
    with pytest.raises(RefusedError):
        daemon.client.get_run("\x1b[31mnone")
    lines = eventually(lambda: (found := read(daemon)) and found[-1]["message"] != "" and found)
    ours = [line for line in lines if line.get("run") == run.id]
    assert [line["message"] for line in ours if line.get("step") == "one"] == [
        "step started",
        "step running",
        "step succeeded",
    ]
    assert {line["project"] for line in ours} == {"default"}
    assert "step failed: FAILED" in [line["message"] for line in ours if line.get("step") == "two"]
    assert all(set(line) >= {"time", "level", "logger", "message"} for line in lines)
    daemon.process.terminate()  # type: ignore[union-attr]
    assert daemon.wait() == 0
    assert read(daemon)[-1]["message"] == "ending; runners and deployments go on"


def read(daemon: Daemon) -> list[dict[str, Any]]:
    """Return the log; a line that is no object fails."""
    return [json.loads(line) for line in daemon.log.splitlines()]


def test_a_bug_is_one_line_with_its_request(stopped_daemon: Daemon) -> None:
    daemon = stopped_daemon.start("--log-format", "json")
    with pytest.raises(RefusedError):
        daemon.client.create_run(source_that_breaks(), request_id="the-one")
    (line,) = [line for line in read(daemon) if line["level"] == "error"]
    assert line["request"] == "the-one"
    assert line["method"] == "tunewright.v1.RunService/CreateRun"
    assert line["error"].startswith("Traceback")


def source_that_breaks() -> SpecSource:
    return SpecSource(text="this is no JSON", base_directory="/")


@pytest.mark.parametrize("way", ["raise ValueError('why')", "threading.Thread(target=lambda: 1 / 0).start()"])
def test_what_nobody_caught_is_a_record(way: str) -> None:
    script = f"import threading\nfrom tunewright.daemon.log.setup import start_log\nstart_log('json')\n{way}\n"
    done = subprocess.run(
        [sys.executable, "-P", "-c", script],
        env={"PYTHONPATH": PACKAGE_ROOT},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    (line,) = done.stderr.splitlines()
    assert "Error" in json.loads(line)["error"]


def test_what_is_delivered_is_known(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.create()
    place = home_provider(home)
    delivery = Delivery(home, Providers((place,)))
    place.keep("default", "hub_token", b"planted-in-the-home")
    assert delivery.value("default", "hub_token") == b"planted-in-the-home"
    assert REDACTION("the hub said no to planted-in-the-home") == f"the hub said no to {MASK}"
