"""Nothing shows a traceback: each kind of failure has its sentence and its exit code."""

from pathlib import Path

import pytest
from scripted.desk import Desk

from tunewright.client.cli.exits import CommandError
from tunewright.client.cli.failures import explain_failure
from tunewright.client.errors import RefusedError, UnreachableError
from tunewright.client.values import Diagnostic


def test_a_bug_leaves_its_traceback_in_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TUNEWRIGHT_HOME", str(tmp_path))
    monkeypatch.delenv("TUNEWRIGHT_DEBUG", raising=False)
    with pytest.raises(ZeroDivisionError) as caught:
        raise ZeroDivisionError("the reason")
    assert explain_failure(caught.value) == 70
    shown = capsys.readouterr().err
    (file,) = (tmp_path / "bugs").iterdir()
    assert str(file) in shown
    assert "Traceback" not in shown
    assert "ZeroDivisionError: the reason" in file.read_text()
    assert file.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (CommandError("no such step", help="one of a, b", code=2), 2, "help: one of a, b"),
        (UnreachableError("nobody is there", target="unix:x"), 4, "tunewright daemon"),
        (
            RefusedError("no run x", code="not_found", reason="RUN_NOT_FOUND", metadata={}),
            3,
            "the daemon refused: no run x",
        ),
        (PermissionError(13, "Permission denied", "life.lock"), 1, "error: life.lock: Permission denied"),
    ],
)
def test_each_failure_has_its_sentence(
    error: Exception, code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert explain_failure(error) == code
    assert words in capsys.readouterr().err


def test_a_spec_that_the_daemon_finds_wrong_is_a_wrong_spec(capsys: pytest.CaptureFixture[str]) -> None:
    finding = Diagnostic(code="TW2001", name="missing-file", severity="error", message="no rows", help="write some")
    error = RefusedError("1 error", code="invalid_argument", reason="SPEC_INVALID", metadata={}, diagnostics=[finding])
    assert explain_failure(error) == 1
    shown = capsys.readouterr().err
    assert "[TW2001] no rows" in shown
    assert "help: write some" in shown


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["chek"], "did you mean `check`?"),
        (["check", "--formt", "json"], "--format"),
        (["stop"], "say what to stop"),
        (["plan", "--step", "sfd"], "its steps: base, sft, exam, better"),
        (["explain", "TW9999"], "there is no code TW9999"),
        (["secret", "set", "a-b"], "not a name of a secret"),
        (["env", "sync", "nothing"], "there is no environment `nothing`"),
    ],
)
def test_usage_errors_end_with_2_and_say_what_is_right(desk: Desk, arguments: list[str], words: str) -> None:
    answer = desk.run(*arguments)
    assert answer.code == 2, answer
    assert words in answer.err
    assert "Traceback" not in answer.err


def test_a_reader_that_goes_away_is_no_failure(desk: Desk) -> None:
    process = desk.start("schema")
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == ""
    process.wait(90)
