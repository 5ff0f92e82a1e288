"""Who may scrape: everybody on this machine, and from elsewhere who proves to be somebody that reads everything."""

import socket
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.daemons import PACKAGE_ROOT, PLAN_DAEMON, Daemon, eventually
from harness.scraping import LOOPBACK, figure, figures, metrics_url
from harness.sites import Site

from tunewright.client.api import connect
from tunewright.client.credentials import Credentials
from tunewright.client.errors import ClientError


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site whose metrics are read from other machines."""
    folder = tmp_path_factory.mktemp("scraped")
    site = Site(folder, Daemon(folder / "home"), 'metrics: "0.0.0.0:0"\n')
    try:
        yield site.prepare().start()
    finally:
        site.clean_up()


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon that is scraped on this machine."""
    daemon = Daemon(tmp_path_factory.mktemp("local") / "home").start("--metrics", LOOPBACK)
    try:
        yield daemon
    finally:
        daemon.clean_up()


def port_of(daemon: Daemon) -> int:
    return int(metrics_url(daemon).rpartition(":")[2].removesuffix("/metrics"))


def scrape(site: Site, shown: Credentials | None) -> tuple[int, str]:
    """Return status and text of a scrape with these credentials."""
    context = ssl.create_default_context(cafile=str(site.authority.certificate_file))
    headers = {}
    if shown is not None and shown.certificate is not None and shown.key is not None:
        context.load_cert_chain(shown.certificate, shown.key)
    if shown is not None and shown.token_file is not None:
        headers = {"Authorization": f"Bearer {shown.token_file.read_text()}"}
    request = urllib.request.Request(f"https://127.0.0.1:{port_of(site.daemon)}/metrics", headers=headers)
    try:
        with urllib.request.urlopen(request, context=context, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def said(port: int, *lines: str) -> bytes:
    """Return what a connection is answered that says these lines."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall("".join(f"{line}\r\n" for line in lines).encode() + b"\r\n")
        return b"".join(iter(lambda: connection.recv(65536), b""))


def test_whoever_reads_everything_may_scrape(site: Site) -> None:
    for shown in (site.token("prometheus", "*:viewer"), site.certificate("scraper", "*:auditor")):
        status, text = scrape(site, shown)
        assert (status, "tunewright_build_info" in text) == (200, True)


def test_others_may_not_and_are_told_what_it_takes(site: Site) -> None:
    status, text = scrape(site, None)
    assert status == 401
    assert text.startswith("CREDENTIAL_MISSING: nothing says who calls: give a token or a certificate")
    status, text = scrape(site, site.token("anna", "support:viewer"))
    assert status == 403
    assert "has not the permission to read in all projects: it takes the role viewer" in text
    status, text = scrape(site, site.bearing("mallory", "tw_00000000_wrong"))
    assert (status, text.partition(":")[0]) == (401, "CREDENTIAL_INVALID")
    denied = [event.method for event in site.daemon.client.access_events() if event.kind == "denied"]
    assert denied.count("GET /metrics") == 3


def test_without_tls_nothing_is_said(site: Site) -> None:
    try:
        answer = said(port_of(site.daemon), "GET /metrics HTTP/1.1", "Host: localhost")
    except ConnectionError:
        answer = b""
    assert b"tunewright" not in answer


def test_a_new_certificate_is_shown_without_a_restart(site: Site) -> None:
    address = ("127.0.0.1", port_of(site.daemon))
    before = ssl.get_server_certificate(address)
    site.authority.issue_server(["127.0.0.1"], 1, site.folder / "tls")
    eventually(lambda: ssl.get_server_certificate(address) != before)
    assert scrape(site, site.shown("scraper"))[0] == 200


def test_a_public_address_without_tls_is_refused(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-P", str(PLAN_DAEMON), "--home", str(tmp_path / "home"), "--metrics", "0.0.0.0:0"],
        env={"PYTHONPATH": PACKAGE_ROOT, "PATH": ""},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 3
    assert "metrics on 0.0.0.0:0 are read from other machines: add `tls` to the access file (--access)" in done.stderr
    assert "a token or a certificate with the role viewer in all projects" in done.stderr


def test_a_port_that_is_taken_is_named(local: Daemon, tmp_path: Path) -> None:
    daemon = Daemon(tmp_path / "home").start("--metrics", f"127.0.0.1:{port_of(local)}")
    assert daemon.wait() == 3
    assert "can't serve metrics on 127.0.0.1" in daemon.log


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        (("GET /metrics HTTP/1.1", "Host: localhost"), 200),
        (("GET /metrics?name[]=up HTTP/1.0", "Host: 127.0.0.1:9464"), 200),
        (("GET /metrics HTTP/1.1", "Host: [::1]:9464"), 200),
        (("GET /metrics HTTP/1.1", "Host: evil.example"), 421),
        (("GET /metrics HTTP/1.1", "Host: ["), 421),
        (("GET /metrics HTTP/1.1",), 421),
        (("GET / HTTP/1.1", "Host: localhost"), 404),
        (("GET /metrics/../../etc/passwd HTTP/1.1", "Host: localhost"), 404),
        (("POST /metrics HTTP/1.1", "Host: localhost"), 405),
        (("GET /metrics", "Host: localhost"), 400),
        (("GET /metrics HTTP/1.1", "no header"), 400),
        (("\x00\x01\x02",), 400),
        (("GET /metrics HTTP/1.1", f"X: {'x' * 20000}"), 431),
    ],
)
def test_requests(local: Daemon, lines: tuple[str, ...], status: int) -> None:
    assert said(port_of(local), *lines).startswith(f"HTTP/1.1 {status} ".encode())


def test_a_head_has_no_content(local: Daemon) -> None:
    head, _, content = said(port_of(local), "HEAD /metrics HTTP/1.1", "Host: localhost").partition(b"\r\n\r\n")
    assert b"Content-Length: " in head
    assert content == b""


def test_the_newer_form_is_spoken(local: Daemon) -> None:
    asked = "Accept: application/openmetrics-text;version=1.0.0"
    answer = said(port_of(local), "GET /metrics HTTP/1.1", "Host: localhost", asked)
    assert b"application/openmetrics-text" in answer
    assert answer.endswith(b"# EOF\n")


def test_refusals_are_counted(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path / "home")
    try:
        daemon.start("--metrics", LOOPBACK, "--listen", LOOPBACK)
        with connect(daemon.client.server_info().addresses[1]) as stranger, pytest.raises(ClientError):
            stranger.who_am_i()
        eventually(lambda: figure(figures(daemon), "tunewright_access_denials_total", reason="CREDENTIAL_MISSING") == 1)
    finally:
        daemon.clean_up()
