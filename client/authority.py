"""A small certificate authority in a folder, for sites that have none: issue, list and revoke.

`ca.pem` goes to everybody, `revoked.pem` to the daemon, `ca.key` nowhere: whoever has it can be anybody.
"""

import ipaddress
import json
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tunewright.spec.access import GRANT_URI

AUTHORITY_DAYS = 3650
#: Clocks of two machines differ; a certificate begins a little before it is made.
_EARLIER = timedelta(minutes=5)
_LIST_DAYS = 30
_HOST_NAME = re.compile(r"(\*\.)?[A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9])?")


class AuthorityError(Exception):
    """The authority can't do what was asked; the message is a sentence for the user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """One certificate in the authority's book; `serial` is hexadecimal, times are ISO 8601."""

    serial: str
    subject: str
    kind: str
    grants: tuple[str, ...]
    not_after: str
    revoked: str = ""


@dataclass(frozen=True, slots=True)
class Authority:
    """An authority whose files lie in `folder`."""

    folder: Path

    @property
    def certificate_file(self) -> Path:
        """The authority's own certificate."""
        return self.folder / "ca.pem"

    @property
    def revoked_file(self) -> Path:
        """The signed list of what was revoked."""
        return self.folder / "revoked.pem"

    def create(self, name: str) -> None:
        """Make key, certificate and an empty list of revocations; raise AuthorityError where there is one already."""
        if self.certificate_file.exists():
            raise AuthorityError(f"{self.folder} holds an authority already")
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = _begun(subject, subject, key.public_key(), AUTHORITY_DAYS)
        usage = _usage(signs=True)
        certificate = (
            builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        _write_key(self.folder / "ca.key", key)
        _write(self.certificate_file, certificate.public_bytes(serialization.Encoding.PEM))
        self._write_book([])

    def issue_server(self, names: Sequence[str], days: int, out: Path) -> Issued:
        """Write `server.pem` and `server.key` into `out` for a daemon that is called by these names or addresses."""
        names_in_it = [_general_name(name) for name in names]
        usage = ExtendedKeyUsageOID.SERVER_AUTH
        return self._issue(names[0], "server", names_in_it, usage, days, out / "server", ())

    def issue_client(self, subject: str, grants: Sequence[str], days: int, out: Path) -> Issued:
        """Write `SUBJECT.pem` and `SUBJECT.key` into `out`; `grants` are `PROJECT:ROLE`."""
        uris = [x509.UniformResourceIdentifier(GRANT_URI + grant) for grant in grants]
        return self._issue(subject, "client", uris, ExtendedKeyUsageOID.CLIENT_AUTH, days, out / subject, grants)

    def issued(self) -> list[Issued]:
        """Return the book, oldest first; raise AuthorityError when the folder holds none."""
        try:
            text = (self.folder / "issued.jsonl").read_text(encoding="utf-8")
        except FileNotFoundError:
            message = f"{self.folder} holds no authority; make one with `tunewright access ca`"
            raise AuthorityError(message) from None
        rows = [json.loads(line) for line in text.splitlines()]
        return [Issued(**{**row, "grants": tuple(row["grants"])}) for row in rows]

    def revoke(self, what: str) -> list[Issued]:
        """Revoke the certificate with a serial number, or all of a subject; return those that were valid till now."""
        book, now = self.issued(), _text(datetime.now(UTC))
        found = [item for item in book if what in (item.serial, item.subject)]
        if not found:
            raise AuthorityError(f"no certificate of this authority has the serial number or subject `{what}`")
        fresh = [item for item in found if not item.revoked]
        self._write_book([replace(item, revoked=now) if item in fresh else item for item in book])
        return fresh

    def renew_list(self) -> None:
        """Sign the list of revocations again: readers may ask that it is not old."""
        self._write_book(self.issued())

    def _issue(
        self,
        subject: str,
        kind: str,
        names: Iterable[x509.GeneralName],
        usage: x509.ObjectIdentifier,
        days: int,
        place: Path,
        grants: Sequence[str],
    ) -> Issued:
        book = self.issued()
        authority, signer = self._own()
        key = ec.generate_private_key(ec.SECP256R1())
        named = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
        builder = (
            _begun(named, authority.subject, key.public_key(), days)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        )
        if names := list(names):
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        certificate = builder.sign(signer, hashes.SHA256())
        row = Issued(
            serial=f"{certificate.serial_number:x}",
            subject=subject,
            kind=kind,
            grants=tuple(grants),
            not_after=_text(certificate.not_valid_after_utc),
        )
        # In the book first: what nobody knows of can't be revoked.
        self._write_book([*book, row])
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write_key(place.with_name(f"{place.name}.key"), key)
        _write(place.with_name(f"{place.name}.pem"), certificate.public_bytes(serialization.Encoding.PEM))
        return row

    def _own(self) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
        certificate = x509.load_pem_x509_certificate(self.certificate_file.read_bytes())
        key = serialization.load_pem_private_key((self.folder / "ca.key").read_bytes(), None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise AuthorityError(f"{self.folder / 'ca.key'} is not a key of ours")
        return certificate, key

    def _write_book(self, book: Sequence[Issued]) -> None:
        certificate, key = self._own()
        now = datetime.now(UTC)
        signed = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(certificate.subject)
            .last_update(now - _EARLIER)
            .next_update(now + timedelta(days=_LIST_DAYS))
        )
        for item in book:
            if item.revoked:
                signed = signed.add_revoked_certificate(
                    x509.RevokedCertificateBuilder()
                    .serial_number(int(item.serial, 16))
                    .revocation_date(datetime.fromisoformat(item.revoked))
                    .build()
                )
        lines = "".join(json.dumps(asdict(item)) + "\n" for item in book)
        _write(self.folder / "issued.jsonl", lines.encode("utf-8"))
        _write(self.revoked_file, signed.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))


def _begun(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, days: int) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _EARLIER)
        .not_valid_after(now + timedelta(days=days))
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        if not _HOST_NAME.fullmatch(name):
            raise AuthorityError(f"`{name}` is no name or address of a machine") from None
        return x509.DNSName(name)


def _text(time: datetime) -> str:
    return time.isoformat(timespec="seconds")


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    _write(path, pem, 0o600)


def _write(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Put a file in place whole: a daemon may read it at any time."""
    aside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
    aside.replace(path)
