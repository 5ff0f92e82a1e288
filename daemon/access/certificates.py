"""Certificates: what the daemon shows, what it reads from those of callers, and which of them are revoked."""

import hashlib
import os
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import grpc

from tunewright.daemon.access.identities import Identity
from tunewright.daemon.access.reloading import Reloaded
from tunewright.daemon.access.roles import Grant
from tunewright.daemon.access.site import AccessError, Certificates, Site, Tls
from tunewright.spec.access import ALL_PROJECTS, GRANT_URI, Role, is_project, is_subject

if TYPE_CHECKING:
    from cryptography import x509

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """What a caller's certificate says; `fingerprint` is the SHA-256 of its DER form."""

    subject: str
    grants: frozenset[Grant]
    expire_time: int
    fingerprint: str
    serial: int
    issuer: bytes


@dataclass(frozen=True, slots=True)
class Revocations:
    """The serial numbers that authorities have taken back, by issuer."""

    serials: frozenset[tuple[bytes, int]] = frozenset()


class CertificateError(ValueError):
    """A certificate names nobody."""


def identity_of(pem: bytes, settings: Certificates, site: Site, revoked: Revocations) -> Identity | None:
    """Return whose certificate it is, None when it is revoked; raise CertificateError when it names nobody.

    That it was issued by the authority and is in its time was seen in the handshake.
    """
    read = _read(pem, settings.subject)
    if (read.issuer, read.serial) in revoked.serials:
        return None
    own = read.grants if settings.grants else frozenset[Grant]()
    return Identity(
        subject=read.subject,
        authentication="certificate",
        credential=credential_of(read.fingerprint),
        grants=own | site.granted(read.subject),
        expire_time=read.expire_time,
    )


def credential_of(fingerprint: str) -> str:
    """Return how a certificate is named as a credential, by the SHA-256 of its DER form."""
    return f"certificate:{fingerprint}"


@lru_cache(maxsize=1024)
def _read(pem: bytes, subject: str) -> _Read:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    certificate = x509.load_pem_x509_certificate(pem)
    name = _subject(certificate, subject)
    if not is_subject(name):
        raise CertificateError(f"the certificate's {subject.replace('_', ' ')} `{name[:100]}` names nobody")
    return _Read(
        subject=name,
        grants=frozenset(_grants(certificate)),
        expire_time=int(certificate.not_valid_after_utc.timestamp() * 1000),
        fingerprint=hashlib.sha256(certificate.public_bytes(Encoding.DER)).hexdigest(),
        serial=certificate.serial_number,
        issuer=certificate.issuer.public_bytes(),
    )


def _subject(certificate: "x509.Certificate", kind: str) -> str:
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    if kind == "common_name":
        found = [str(item.value) for item in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    else:
        types = {"email": x509.RFC822Name, "dns": x509.DNSName, "uri": x509.UniformResourceIdentifier}
        found = [name for name in _names(certificate, types[kind]) if not name.startswith(GRANT_URI)]
    return found[0] if len(found) == 1 else ""


def _grants(certificate: "x509.Certificate") -> "list[Grant]":
    from cryptography import x509

    found = []
    for uri in _names(certificate, x509.UniformResourceIdentifier):
        project, _, role = uri.removeprefix(GRANT_URI).partition(":")
        if uri.startswith(GRANT_URI) and role in set(Role) and (project == ALL_PROJECTS or is_project(project)):
            found.append(Grant(project, Role(role)))
    return found


def _names(certificate: "x509.Certificate", kind: Any) -> list[str]:
    from cryptography import x509

    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    return [str(name.value) for name in extension.value if isinstance(name, kind)]


def watched_revocations(settings: Certificates | None) -> Callable[[], Revocations]:
    """Return what answers which certificates are revoked now; raise AccessError for a list that can't be read."""
    if settings is None or settings.revocations is None:
        none = Revocations()
        return lambda: none
    paths = (settings.revocations, settings.authority)
    return _watched(paths, lambda: _read_revocations(*paths)).get


def _read_revocations(path: Path, authority: Path) -> Revocations:
    from cryptography import x509

    authorities = x509.load_pem_x509_certificates(authority.read_bytes())
    serials: set[tuple[bytes, int]] = set()
    blocks = path.read_bytes().split(b"-----BEGIN X509 CRL-----")[1:]
    for block in blocks:
        found = x509.load_pem_x509_crl(b"-----BEGIN X509 CRL-----" + block)
        issuers = [item for item in authorities if item.subject == found.issuer]
        if not any(found.is_signature_valid(item.public_key()) for item in issuers):  # type: ignore[arg-type]
            raise ValueError(f"{path}: a list of revoked certificates is not signed by an authority of {authority}")
        serials.update((found.issuer.public_bytes(), item.serial_number) for item in found)
    if not blocks:
        raise ValueError(f"{path} holds no list of revoked certificates")
    return Revocations(frozenset(serials))


def server_credentials(tls: Tls, certificates: Certificates | None) -> grpc.ServerCredentials:
    """Return credentials that follow the files: a handshake takes what is there at its time.

    With `certificates` callers must have one of its authority. Raises AccessError for files that do not fit.
    """
    paths = [tls.certificate, tls.key]
    if certificates is not None:
        paths.append(certificates.authority)
    watched = _watched(tuple(paths), lambda: _configuration(*paths))
    return grpc.dynamic_ssl_server_credentials(
        watched.get(), watched.get, require_client_authentication=certificates is not None
    )


def server_context(tls: Tls, certificates: Certificates | None) -> ssl.SSLContext:
    """Return the same for servers of Python's own; with `certificates` callers may have one of its authority."""
    paths = [tls.certificate, tls.key]
    if certificates is not None:
        paths.append(certificates.authority)
    watched = _watched(tuple(paths), lambda: _context(*paths))
    context = _context(*paths)

    def renew(connection: ssl.SSLObject, _name: str | None, _first: ssl.SSLContext) -> None:
        connection.context = watched.get()

    context.sni_callback = renew
    return context


def _context(certificate: Path, key: Path, authority: Path | None = None) -> ssl.SSLContext:
    _configuration(certificate, key, authority)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key)
    if authority is not None:
        context.load_verify_locations(authority)
        context.verify_mode = ssl.CERT_OPTIONAL
    return context


def _is_private(key: Path) -> bool:
    """systemd gives a credential to the service's user by an access list, whose mask reads as a right of the group."""
    delivered = os.environ.get("CREDENTIALS_DIRECTORY")
    others = 0o007 if delivered and key.is_relative_to(delivered) else 0o077
    return not key.stat().st_mode & others


def _configuration(certificate: Path, key: Path, authority: Path | None = None) -> grpc.ServerCertificateConfiguration:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    if not _is_private(key):
        raise ValueError(f"{key} can be read by others: chmod 600 {key}")
    chain, secret = certificate.read_bytes(), key.read_bytes()
    # What does not fit together would be found at the next handshake, as a connection that just closes.
    if x509.load_pem_x509_certificates(chain)[0].public_key() != load_pem_private_key(secret, None).public_key():
        raise ValueError(f"{key} is not the key of {certificate}")
    roots = None if authority is None else authority.read_bytes()
    if roots is not None:
        x509.load_pem_x509_certificates(roots)
    return grpc.ssl_server_certificate_configuration([(secret, chain)], root_certificates=roots)


def _watched(paths: tuple[Path, ...], load: Callable[[], Value]) -> Reloaded[Value]:
    try:
        return Reloaded(paths, load)
    except OSError as error:
        raise AccessError(f"{error.filename} can't be read: {error.strerror}") from None
    except (ValueError, TypeError) as error:
        raise AccessError(str(error)) from None
