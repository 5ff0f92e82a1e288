"""What keeps a daemon from starting: an address that others reach without proof, an access file with a mistake."""

import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from harness.sites import Site

from tunewright.daemon.access.file import read_access_file
from tunewright.daemon.access.site import AccessError

NewSite = Callable[[str], Site]
PUBLIC = 'listen: [{address: "0.0.0.0:0", callers: %s}]\n'
TLS = "tls: {certificate: tls/server.pem, key: tls/server.key}\n"
HEAD = "api_version: tunewright/access/v1\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (PUBLIC % "tokens", "reached from other machines, and without `tls` anybody on the way reads"),
        (PUBLIC % "certificates", "takes certificates: the access file needs `tls` and `certificates`"),
        (TLS + PUBLIC % "certificates", "takes certificates: the access file needs `tls` and `certificates`"),
        (PUBLIC % "nobody", "access.yaml:2:42: "),
        ("listn: []\n", "access.yaml:2:1: unknown key `listn`"),
        (
            'listen: [{address: "gpu1:7419", callers: tokens}]\n',
            "is an IP address such as 127.0.0.1, not",
        ),
        ('listen: [{address: "7419", callers: tokens}]\n', "an address has a port"),
        ("grants: [{roles: [viewer], projects: [a]}]\n", "must have one of `subject`, `group` and `local_group`"),
        ("grants: [{group: ml, roles: [viewer], projects: [a]}]\n", "who is in the group `ml`: add `oidc`"),
        ("grants: [{local_group: ml, roles: [viewer], projects: [a]}]\n", "from the group `ml`: add a listener"),
        ("users: {anna: anna}\n", "`users` need a listener"),
        ('listen: [{address: "unix:/run/t.sock", callers: tokens}]\n', "`callers: users` goes with an address such as"),
        ('listen: [{address: "127.0.0.1:0", callers: users}]\n', "`callers: users` goes with an address such as"),
        ('listen: [{address: "unix:t.sock", callers: users}]\n', "the path of a socket begins with /"),
        ('listen: [{address: "unix:/t", callers: users}]\nusers: {anna: "a b"}\n', "`a b` names nobody"),
        ("grants: [{subject: anna, roles: [king], projects: [a]}]\n", "access.yaml:2:34: "),
        ("grants: [{subject: anna, roles: [viewer], projects: [A]}]\n", "access.yaml:2:54: "),
        ("projects: {Support: {}}\n", "access.yaml:2:"),
        ("limits: {streams: 0}\n", "access.yaml:2:19: "),
        ("api_version: 7\n", "access.yaml:"),
        ("projects: {my_team: {}}\n", "did you mean `my-team`? (a name has lower-case letters, digits and `-`,"),
        ("limits: {priority_of_roles: {boss: high}}\n", "`boss` can't stand here (here stands `viewer`,"),
        ("[", "access.yaml:"),
    ],
)
def test_a_wrong_access_file_is_refused_with_its_place(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "access.yaml"
    path.write_text(HEAD + text)
    with pytest.raises(AccessError) as caught:
        read_access_file(path)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"), [("", "1:1: the file is empty (docs/"), ("[]", "1:1: the file must be a mapping of keys (docs/")]
)
def test_a_file_of_a_site_is_not_called_a_spec(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "access.yaml"
    path.write_text(text)
    with pytest.raises(AccessError) as caught:
        read_access_file(path)
    assert words in str(caught.value)
    assert "tunewright/v1" not in str(caught.value)


def test_a_daemon_does_not_start_with_a_policy_that_is_not_there(tmp_path: Path) -> None:
    words = [sys.executable, "-P", "-m", "tunewright.daemon", "--home", str(tmp_path / "home")]
    done = subprocess.run(
        [*words, "--policy", str(tmp_path / "polcy.yaml")], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == f"tunewright daemon: there is no policy `{tmp_path / 'polcy.yaml'}`\n"


def test_a_daemon_does_not_start_where_others_could_read_what_is_said(new_site: NewSite) -> None:
    site = new_site("")
    site.access_file.write_text(HEAD + PUBLIC % "tokens")
    assert site.start().daemon.wait() == 3
    assert "reached from other machines, and without `tls`" in site.daemon.log
    assert "Traceback" not in site.daemon.log
    assert not (site.daemon.home / "control.db").exists()


def test_files_that_are_missing_or_do_not_fit_are_named(new_site: NewSite) -> None:
    site = new_site("")
    key = site.folder / "tls" / "server.key"
    whole = key.read_bytes()
    for content, mode, words in (
        (None, 0o600, "server.key can't be read"),
        (whole, 0o644, "server.key can be read by others: chmod 600"),
        ((site.authority.folder / "ca.key").read_bytes(), 0o600, "is not the key of"),
    ):
        key.unlink(missing_ok=True)
        if content is not None:
            key.write_bytes(content)
            key.chmod(mode)
        assert site.start().daemon.wait() == 3
        assert words in site.daemon.log
    key.write_bytes(whole)
    key.chmod(0o600)
    site.authority.revoked_file.write_bytes(b"nothing")
    assert site.start().daemon.wait() == 3
    assert "holds no list of revoked certificates" in site.daemon.log
    assert "Traceback" not in site.daemon.log


def test_a_list_of_revocations_that_somebody_else_signed_is_refused(new_site: NewSite, tmp_path: Path) -> None:
    site, other = new_site(""), new_site("")
    site.authority.revoked_file.write_bytes(other.authority.revoked_file.read_bytes())
    assert site.start().daemon.wait() == 3
    assert "is not signed by an authority" in site.daemon.log


def test_an_access_file_that_is_not_there_is_no_open_door(stopped: Site) -> None:
    assert stopped.daemon.start("--access", str(stopped.folder / "gone.yaml")).wait() == 3
    assert "gone.yaml can't be read: No such file" in stopped.daemon.log


def test_nobody_is_anonymous_without_an_address(stopped: Site) -> None:
    assert stopped.daemon.start("--anonymous").wait() == 3
    assert "--anonymous is about who calls on the address of --listen" in stopped.daemon.log


def test_a_public_address_with_tls_and_proof_is_listened_on(new_site: NewSite) -> None:
    site = new_site("")
    site.access_file.write_text(HEAD + TLS + PUBLIC % "tokens")
    _, address = site.start().daemon.client.server_info().addresses
    assert address.startswith("0.0.0.0:")


def test_the_home_and_its_socket_are_closed_to_others(site: Site) -> None:
    assert stat.S_IMODE(site.daemon.home.stat().st_mode) == 0o700
    assert stat.S_IMODE((site.daemon.home / "daemon.sock").stat().st_mode) == 0o600


@pytest.fixture
def stopped(new_site: NewSite) -> Site:
    return new_site("")


def test_a_key_that_systemd_delivers_may_have_the_mask_of_its_access_list(
    new_site: NewSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = new_site("")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(site.folder / "tls"))
    (site.folder / "tls" / "server.key").chmod(0o440)
    assert site.start().daemon.client.who_am_i().authentication == "socket"
