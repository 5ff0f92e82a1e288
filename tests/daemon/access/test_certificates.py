"""Certificates: which are taken, what a client says of others, revocation and rotation while the daemon runs."""

import ssl
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from harness.daemons import eventually
from harness.plans import a_plan, a_step
from harness.sites import Site, source_in

from tunewright.client.api import connect
from tunewright.client.authority import Authority, AuthorityError
from tunewright.client.credentials import Credentials
from tunewright.client.errors import ClientError, CredentialError, RefusedError, UnreachableError

NewSite = Callable[[str], Site]


def trouble(call: Callable[[], object]) -> ClientError:
    with pytest.raises(ClientError) as caught:
        call()
    return caught.value


def test_files_that_do_not_fit_are_told_before_anything_is_sent(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    authority = Authority(tmp_path / "authority")
    authority.create("Lab")
    for name in ("anna", "otto"):
        authority.issue_client(name, ["*:viewer"], 1, tmp_path)
    anna, others = tmp_path / "anna.pem", tmp_path / "otto.key"
    mixed = Credentials(authority=authority.certificate_file, certificate=anna, key=others)
    error = trouble(lambda: connect("127.0.0.1:1", credentials=mixed))
    assert isinstance(error, CredentialError)
    assert str(error.message) == f"{others} is not the key of {anna}"
    keys = Credentials(authority=authority.folder / "ca.key")
    assert "ca.key holds no certificate" in trouble(lambda: connect("127.0.0.1:1", credentials=keys)).message
    assert capfd.readouterr().err == "", "gRPC's own log is nobody's message"


def test_a_daemon_is_called_by_names_that_machines_have(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "authority")
    authority.create("Lab")
    with pytest.raises(AuthorityError, match="`gpu1 example` is no name or address"):
        authority.issue_server(["gpu1", "gpu1 example"], 1, tmp_path)
    assert authority.issued() == []


def dated(site: Site, subject: str, *, begin_days: int) -> Credentials:
    """Issue a certificate for one day, so many days from now."""
    credentials = site.certificate(subject, "support:viewer")
    assert credentials.certificate is not None
    signer = serialization.load_pem_private_key((site.authority.folder / "ca.key").read_bytes(), None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    old = x509.load_pem_x509_certificate(credentials.certificate.read_bytes())
    builder = (
        x509.CertificateBuilder()
        .subject_name(old.subject)
        .issuer_name(old.issuer)
        .public_key(old.public_key())
        .serial_number(old.serial_number)
        .not_valid_before(datetime.now(UTC) + timedelta(days=begin_days))
        .not_valid_after(datetime.now(UTC) + timedelta(days=begin_days + 1))
    )
    for extension in old.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    credentials.certificate.write_bytes(builder.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    return credentials


def test_an_expired_certificate_is_named_with_its_day(site: Site) -> None:
    error = trouble(site.as_(dated(site, "late", begin_days=-2)).who_am_i)
    assert isinstance(error, CredentialError)
    assert "late.pem has expired, on " in error.message
    assert "ask who runs the authority" in error.help


def test_a_certificate_that_is_not_valid_yet_is_named_with_its_day(site: Site) -> None:
    error = trouble(site.as_(dated(site, "early", begin_days=2)).who_am_i)
    assert isinstance(error, CredentialError)
    assert "early.pem is not valid before " in error.message
    assert "look at this machine's clock" in error.help


def test_a_foreign_certificate_is_named(site: Site, tmp_path: Path) -> None:
    elsewhere = Authority(tmp_path / "elsewhere")
    elsewhere.create("another site")
    elsewhere.issue_client("mallory", ["*:admin"], 1, tmp_path)
    shown = Credentials(
        authority=site.authority.certificate_file,
        certificate=tmp_path / "mallory.pem",
        key=tmp_path / "mallory.key",
    )
    error = trouble(site.as_(shown).who_am_i)
    assert isinstance(error, CredentialError)
    assert "mallory.pem: it knows no authority `CN=another site`" in error.message


def test_a_foreign_daemon_is_named(site: Site, tmp_path: Path) -> None:
    elsewhere = Authority(tmp_path / "elsewhere")
    elsewhere.create("another site")
    mine = site.certificate("careful", "support:viewer")
    shown = Credentials(authority=elsewhere.certificate_file, certificate=mine.certificate, key=mine.key)
    error = trouble(site.as_(shown).who_am_i)
    assert isinstance(error, CredentialError)
    assert f"not of the authority in {elsewhere.certificate_file}" in error.message


def test_a_key_that_is_not_the_certificates_is_named(site: Site) -> None:
    one, two = site.certificate("one", "support:viewer"), site.certificate("two", "support:viewer")
    shown = Credentials(authority=one.authority, certificate=one.certificate, key=two.key)
    error = trouble(lambda: site.as_(shown).who_am_i())
    assert isinstance(error, CredentialError)
    assert "two.key is not the key of " in error.message


def test_a_missing_certificate_is_asked_for(site: Site) -> None:
    certificates, _ = site.addresses
    shown = Credentials(authority=site.authority.certificate_file)
    with connect(certificates, credentials=shown) as client:
        error = trouble(client.who_am_i)
    assert isinstance(error, CredentialError)
    assert "takes callers with a certificate only" in error.message
    assert "--cert and --key" in error.help


def test_a_daemon_that_wants_tls_is_told_from_one_that_is_not_there(site: Site) -> None:
    with connect(site.addresses[1]) as client:
        error = trouble(client.who_am_i)
    assert isinstance(error, CredentialError)
    assert "speaks TLS only" in error.message
    with connect("127.0.0.1:1") as client:
        assert isinstance(trouble(client.who_am_i), UnreachableError)


def test_a_server_certificate_is_nobodys(site: Site) -> None:
    tls = site.folder / "tls"
    shown = Credentials(
        authority=site.authority.certificate_file, certificate=tls / "server.pem", key=tls / "server.key"
    )
    assert isinstance(trouble(site.as_(shown).who_am_i), ClientError)


def test_revocation_ends_open_streams_within_five_seconds(new_site: NewSite) -> None:
    site = new_site("").start()
    anna, ben = (site.as_(site.certificate(name, "support:submitter")) for name in ("anna", "ben"))
    run = anna.create_run(source_in(site, "support", a_plan(a_step("one", [{"sleep": 60}])))).run.id
    ended: dict[str, tuple[float, ClientError]] = {}

    def watch(name: str) -> None:
        client = anna if name == "anna" else ben
        try:
            for _ in client.watch(run):
                pass
        except ClientError as error:
            ended[name] = (time.monotonic(), error)

    threads = [threading.Thread(target=watch, args=(name,), daemon=True) for name in ("anna", "ben")]
    for thread in threads:
        thread.start()
    eventually(lambda: len(list(anna.list_events(run))) > 2)
    site.authority.revoke("anna")
    begun = time.monotonic()
    threads[0].join(10)
    moment, error = ended["anna"]
    assert moment - begun <= 5.0
    assert isinstance(error, RefusedError)
    assert error.reason == "CREDENTIAL_REVOKED"
    assert isinstance(trouble(anna.who_am_i), RefusedError)
    assert "ben" not in ended, "only what was revoked ends"
    ben.cancel(run, mode="now")
    threads[1].join(30)
    assert "ben" not in ended
    kinds = [(event.kind, event.actor, event.reason) for event in site.daemon.client.access_events()]
    assert ("stream_ended", "anna", "CREDENTIAL_REVOKED") in kinds


def test_the_daemons_certificate_is_replaced_without_a_restart(new_site: NewSite) -> None:
    site = new_site("").start()
    shown = site.certificate("anna", "support:viewer")
    before = served_by(site)
    assert site.as_(shown).who_am_i().subject == "anna"
    pid = site.daemon.pid
    # A key without its certificate, as if somebody copied one after the other: the old pair goes on.
    tls = site.folder / "tls"
    whole = (tls / "server.pem").read_bytes()
    (tls / "server.pem").write_bytes(site.authority.certificate_file.read_bytes())
    assert served_by(site) == before
    (tls / "server.pem").write_bytes(whole)
    site.authority.issue_server(["127.0.0.1"], 1, tls)
    after = eventually(lambda: (found := served_by(site)) != before and found)
    assert after != before
    assert site.as_(shown).who_am_i().subject == "anna"
    assert site.daemon.pid == pid
    assert "is not the key of" in site.daemon.log


def served_by(site: Site) -> str:
    """Return the certificate that the daemon shows now."""
    host, _, port = site.addresses[1].rpartition(":")
    return ssl.get_server_certificate((host, int(port)))


def test_an_organisations_authority_brings_no_roles_of_its_own(tmp_path: Path, new_site: NewSite) -> None:
    """Without `grants: true` what a certificate says of roles is nothing; the file says what its holder may do."""
    site = new_site("grants:\n  - {subject: anna, roles: [viewer], projects: [sales]}\n")
    site.access_file.write_text(site.access_file.read_text().replace(", grants: true", ""))
    site.start()
    me = site.as_(site.certificate("anna", "*:admin")).who_am_i()
    assert [str(grant) for grant in me.grants] == ["sales:viewer"]
    assert site.as_(site.certificate("ben", "*:admin")).who_am_i().grants == ()


def test_grants_of_the_file_change_while_the_daemon_runs(new_site: NewSite) -> None:
    site = new_site("").start()
    anna = site.as_(site.certificate("anna", "support:viewer"))
    text = site.access_file.read_text()
    site.access_file.write_text(text + "grants:\n  - {subject: anna, roles: [deployer], projects: [sales]}\n")
    assert len(eventually(lambda: len(found := anna.who_am_i().grants) == 2 and found)) == 2
    site.access_file.write_text(text + "grants: nonsense\n")
    time.sleep(0.1)
    assert len(anna.who_am_i().grants) == 2, "a file that is wrong changes nothing"
    site.access_file.write_text(text)
    assert eventually(lambda: len(anna.who_am_i().grants) == 1)


def test_a_certificate_that_names_nobody_is_refused(site: Site) -> None:
    folder = site.folder / "people"
    credentials = site.certificate("proper", "support:viewer")
    signer = serialization.load_pem_private_key((site.authority.folder / "ca.key").read_bytes(), None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    assert credentials.certificate is not None
    old = x509.load_pem_x509_certificate(credentials.certificate.read_bytes())
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "two\nlines")]))
        .issuer_name(old.issuer)
        .public_key(old.public_key())
        .serial_number(7)
        .not_valid_before(old.not_valid_before_utc)
        .not_valid_after(old.not_valid_after_utc)
    )
    for extension in old.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    path = folder / "odd.pem"
    path.write_bytes(builder.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    shown = Credentials(authority=credentials.authority, certificate=path, key=credentials.key)
    error = trouble(site.as_(shown).who_am_i)
    assert isinstance(error, RefusedError)
    assert error.reason == "CREDENTIAL_INVALID"
