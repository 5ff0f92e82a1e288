"""`tunewright access` and what all commands say about credentials."""

import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from scripted.desk import Desk

from tunewright.client.cli import exits
from tunewright.client.local import ensure_daemon, socket_target


@pytest.fixture
def authority(desk: Desk) -> Path:
    """A folder with an authority and Anna's certificate."""
    assert desk.run("access", "ca", "--authority", "ca").code == 0
    made = desk.run(
        "access", "certificate", "client", "anna", "--grant", "support:viewer", "--authority", "ca", "--out", "anna"
    )
    assert made.code == 0, made
    return desk.folder / "ca"


def test_keys_are_for_their_owner_alone(desk: Desk, authority: Path) -> None:
    for key in (authority / "ca.key", desk.folder / "anna" / "anna.key"):
        assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert stat.S_IMODE(authority.stat().st_mode) == 0o700


def test_the_book_tells_what_was_issued_and_revoked(desk: Desk, authority: Path) -> None:
    listed = json.loads(desk.run("access", "certificate", "list", "--authority", "ca", "--json").out)
    (anna,) = listed["certificates"]
    assert (anna["subject"], anna["kind"], anna["grants"], anna["revoked"]) == (
        "anna",
        "client",
        ["support:viewer"],
        "",
    )
    assert desk.run("access", "certificate", "revoke", anna["serial"], "--authority", "ca").code == 0
    assert "revoked 2" in desk.run("access", "certificate", "list", "--authority", "ca").out
    assert desk.run("access", "certificate", "renew-list", "--authority", "ca").code == 0
    again = desk.run("access", "certificate", "revoke", "ben", "--authority", "ca")
    assert again.code == exits.FAILED
    assert "no certificate of this authority has the serial number or subject `ben`" in again.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["certificate", "client", "ben", "--grant", "support", "--authority", "ca"], "`support` is not PROJECT:ROLE"),
        (["certificate", "client", "ben", "--grant", "support:king", "--authority", "ca"], "there is no role `king`"),
        (["certificate", "client", "b b", "--grant", "*:viewer", "--authority", "ca"], "`b b` can't name anybody"),
        (["certificate", "client", "ben", "--authority", "ca"], "--grant"),
        (["token", "create", "ci", "--grant", "Support:viewer"], "`Support:viewer` is not PROJECT:ROLE"),
    ],
)
def test_mistakes_are_named(desk: Desk, authority: Path, arguments: list[str], words: str) -> None:
    answer = desk.run("access", *arguments)
    assert answer.code == exits.USAGE, answer
    assert words in answer.err
    assert "Traceback" not in answer.err


def test_an_authority_is_made_once(desk: Desk, authority: Path) -> None:
    before = (authority / "ca.key").read_bytes()
    answer = desk.run("access", "ca", "--authority", "ca")
    assert answer.code == exits.FAILED
    assert "holds an authority already" in answer.err
    assert (authority / "ca.key").read_bytes() == before
    nothing = desk.run("access", "certificate", "list", "--authority", "elsewhere")
    assert "holds no authority; make one with `tunewright access ca`" in nothing.err


def test_contexts_are_kept_and_chosen(desk: Desk, authority: Path) -> None:
    keep = ["access", "context", "set", "gpu1", "--daemon", "127.0.0.1:1", "--project", "support"]
    shown = ["--ca", "ca/ca.pem", "--cert", "anna/anna.pem"]
    half = desk.run(*keep, *shown)
    assert (half.code, "--cert goes with --key" in half.err) == (exits.REFUSED, True)
    assert desk.run(*keep, *shown, "--key", "anna/anna.key").code == 0
    assert "* gpu1  127.0.0.1:1  project support" in desk.run("access", "context", "list").out
    unreachable = desk.run("runs")
    assert (unreachable.code, "127.0.0.1:1" in unreachable.err) == (exits.UNREACHABLE, True)
    assert desk.run("access", "context", "use").code == 0
    assert "127.0.0.1:1" in desk.run("runs", "--context", "gpu1").err
    gone = desk.run("runs", "--context", "gpu2")
    assert (gone.code, "there is no context `gpu2`" in gone.err) == (exits.REFUSED, True)
    assert "known are: gpu1" in gone.err


def test_a_token_is_written_for_its_owner_and_read_from_a_pipe(desk: Desk, served: str) -> None:
    made = desk.run("access", "token", "create", "ci", "--grant", "*:viewer", "--out", "ci.token", "--daemon", served)
    assert made.code == 0, made
    path = desk.folder / "ci.token"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    secret = path.read_text().strip()
    assert secret.startswith("twt_")
    assert secret not in made.out + made.err
    answer = desk.run("access", "whoami", "--daemon", served, "--token-file", "-", stdin=secret + "\n")
    who, what = answer.out.splitlines()
    assert who.startswith("ci  (by token, until ")
    assert what == "  viewer in every project"
    refused = desk.run("access", "token", "list", "--daemon", served, "--token-file", "ci.token")
    assert refused.code == exits.REFUSED
    assert "it takes the role admin" in refused.err
    assert "`tunewright access whoami` shows what you may do" in refused.err
    path.chmod(0o644)
    open_file = desk.run("runs", "--daemon", served, "--token-file", "ci.token")
    assert (open_file.code, "can be read by others" in open_file.err) == (exits.REFUSED, True)
    again = desk.run("access", "token", "create", "ci", "--grant", "*:viewer", "--out", "ci.token", "--daemon", served)
    assert (again.code, "is there already" in again.err) == (exits.USAGE, True)


def test_no_token_is_made_that_nobody_can_have(desk: Desk, served: str) -> None:
    for out, bind in (("/proc/x", ()), ("new.token", ("--bind", "/dev/zero")), ("new.token", ("--bind", "life.yaml"))):
        answer = desk.run(
            "access", "token", "create", "ci", "--grant", "support:viewer", "--out", out, *bind, "--daemon", served
        )
        assert answer.code != 0
        assert "bug" not in answer.err
    assert desk.run("access", "token", "list", "--all", "--daemon", served).out == "no tokens\n"
    refused = desk.run(
        "access", "token", "create", "a b", "--grant", "*:viewer", "--out", "new.token", "--daemon", served
    )
    assert refused.code == 3
    assert not (desk.folder / "new.token").exists()


def test_secrets_of_projects_lie_apart(desk: Desk) -> None:
    assert desk.run("secret", "set", "HUB_TOKEN", "--project", "support", stdin="abc\n").code == 0
    assert desk.run("secret", "list").out.strip() == "no secrets"
    assert desk.run("secret", "list", "--project", "support").out.startswith("HUB_TOKEN  home")
    assert desk.run("secret", "set", "HUB_TOKEN", "--project", "../up", stdin="abc\n").code == exits.USAGE
    assert desk.run("secret", "remove", "HUB_TOKEN", "--project", "support").code == 0


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    """The address of a daemon of this user."""
    home = tmp_path / "h"
    with ensure_daemon(home) as client:
        yield socket_target(home)
        client.shutdown()
