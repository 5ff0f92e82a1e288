"""`alerts.yaml`: what is wrong is said with its place, and secrets are never part of what is said."""

import stat
import sys
from contextlib import closing
from pathlib import Path

import pytest
from harness.receiver import KEY, write_alerts

from tunewright.daemon.alerts.file import read_alerts_file
from tunewright.daemon.alerts.reading import read_alerts
from tunewright.daemon.alerts.settings import AlertSettings, AlertSettingsError, Command, Webhook
from tunewright.daemon.aside import Aside

HEAD = "api_version: tunewright/alerts/v1\n"
HOOK = "{webhook: {url: 'https://hooks.example.com/x', key: '${file:oncall.key}'}}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_alerts(tmp_path, "https://hooks.example.com/x")
    return tmp_path


def read(folder: Path, text: str) -> object:
    (folder / "alerts.yaml").write_text(HEAD + text)
    return read_alerts_file(folder / "alerts.yaml")


def refusal(folder: Path, text: str) -> str:
    with pytest.raises(AlertSettingsError) as caught:
        read(folder, text)
    assert KEY not in str(caught.value)
    return str(caught.value).replace(f"{folder}/", "")


def test_all_of_it_is_read(folder: Path) -> None:
    found = read_alerts_file(folder / "alerts.yaml")
    assert isinstance(found.sinks["oncall"].channel, Webhook)
    (folder / "alerts.yaml").write_text(
        f"{HEAD}sinks:\n  oncall: {HOOK}\n  pager:\n    command: {{argv: [{sys.executable}], timeout: 3s}}\n"
        "    projects: search\n    severity: critical\n"
        "rules:\n  - {events: [run_failed, watchdog], to: pager, projects: [search], specs: web}\n"
        "  - {queued_for: 2h, to: oncall, severity: info}\n"
        "fold: 5m\nmost_a_minute: 3\ngive_up_after: 2h\n"
    )
    found = read_alerts_file(folder / "alerts.yaml")
    assert found.sinks["pager"].channel == Command(argv=(sys.executable,), timeout_seconds=3.0)
    assert (found.names_for("search"), found.names_for("other")) == ({"oncall", "pager"}, {"oncall"})
    first, second = found.rules
    assert (first.rule.severity, first.covers("search", "web")) == ("critical", True)
    assert not first.covers("search", "x")
    assert (second.rule.queued_seconds, second.covers("a", "b")) == (7200.0, True)
    assert (found.folding.window, found.folding.most, found.give_up_seconds) == (300_000, 3, 7200.0)


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("sinkz: {}", "2:1", "unknown key `sinkz`"),
        ("sinks: {a: {}}", "2:12", "`a` must have one of `webhook` and `command`"),
        (f"sinks: {{a: {HOOK}}}\nrules: [{{events: run_faild, to: a}}]", "3:18", "run_faild"),
        (f"sinks: {{a: {HOOK}}}\nrules: [{{events: run_failed, to: b}}]", "3:34", "there is no sink `b`"),
        (f"sinks: {{a: {HOOK}}}\nrules: [{{when: loss > 5, to: a}}]", "3:16", "not a condition"),
        (f"sinks: {{a: {HOOK}}}\nrules: [{{to: a}}]", "3:9", "one of `events`, `when` and `queued_for`"),
        (f"sinks: {{a: {{webhook: {{url: 'https://x.test', key: {KEY}}}}}}}", "2:51", "must be a reference"),
        ("sinks: {a: {command: {argv: [page]}}}", "2:30", "no program with its whole path"),
        ("sinks: {a: {command: {argv: [/nonexistent/page]}}}", "2:30", "no program with its whole path"),
    ],
)
def test_mistakes_have_their_place(folder: Path, text: str, place: str, words: str) -> None:
    said = refusal(folder, text)
    assert said.startswith(f"alerts.yaml:{place}: "), said
    assert words in said


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://hooks.example.com/x", "without encryption only on 127.0.0.1"),
        ("http://10.0.0.7/x", "without encryption only on 127.0.0.1"),
        ("ftp://hooks.example.com", "begins with https://"),
        ("https://user:word@hooks.example.com", "no user and no fragment"),
        ("https://hooks.example.com:99999/", "can't be read"),
        ("https://hooks.example.com/a b", "without blanks"),
        ("https://hooks.example.com/${env:PATH}", "is no reference"),
        ("https://hooks.example.com/${file:absent}", "can't be read: No such file"),
    ],
)
def test_addresses_that_nothing_is_sent_to(folder: Path, url: str, words: str) -> None:
    assert words in refusal(folder, f"sinks: {{a: {{webhook: {{url: '{url}', key: '${{file:oncall.key}}'}}}}}}")


def test_files_that_others_can_read_are_refused(folder: Path) -> None:
    (folder / "oncall.key").chmod(stat.S_IRUSR | stat.S_IRGRP)
    assert "other users can reach oncall.key: `chmod 600` it" in refusal(folder, f"sinks: {{a: {HOOK}}}")
    (folder / "oncall.key").chmod(0o600)
    (folder / "oncall.key").write_text("whsec_c2hvcnQ=")
    assert "a key has 24 to 64 bytes" in refusal(folder, f"sinks: {{a: {HOOK}}}")
    (folder / "oncall.key").write_text("three whole keys")
    assert "a key file has one key" in refusal(folder, f"sinks: {{a: {HOOK}}}")


def test_a_file_that_comes_later_counts_and_so_does_one_that_goes(tmp_path: Path) -> None:
    path = tmp_path / "alerts.yaml"
    with pytest.raises(AlertSettingsError, match="can't be read"):
        read_alerts(path)
    with closing(Aside()) as aside:
        settings = read_alerts(path, aside, needed=False)
        assert settings() == AlertSettings()
        path.write_text(HEAD + "sinks: {log: {command: {argv: [/bin/true]}}}\n")
        assert list(settings().sinks) == ["log"]
        path.write_text("nonsense")
        assert list(settings().sinks) == ["log"]
        path.unlink()
        assert settings() == AlertSettings()
