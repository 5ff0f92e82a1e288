"""Look at what the daemon shows and what it holds callers to: does it fit together, and until when."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tunewright.daemon.access.certificates import server_credentials
from tunewright.daemon.access.site import AccessError, Site
from tunewright.daemon.check.finding import Finding, Level

_SOON = timedelta(days=21)


def look_at_credentials(site: Site) -> Iterator[Finding]:
    """Yield how the certificates of a site are."""
    if site.tls is None:
        return
    try:
        server_credentials(site.tls, site.certificates)
    except (AccessError, ValueError, OSError) as error:
        yield Finding(name="tls", level=Level.ERROR, message=str(error))
        return
    yield from _until("tls", site.tls.certificate, "issue a new one; the daemon reads it without a restart")
    if site.certificates is None:
        return
    yield from _until("authority", site.certificates.authority, "callers need certificates of a new one in time")
    if site.certificates.revocations is not None:
        yield from _revocations(site.certificates.revocations)


def _until(name: str, path: Path, help_text: str) -> Iterator[Finding]:
    from cryptography import x509

    ends = min(item.not_valid_after_utc for item in x509.load_pem_x509_certificates(path.read_bytes()))
    yield _dated(name, f"{path} is valid until {ends:%Y-%m-%d}", ends, help_text)


def _revocations(path: Path) -> Iterator[Finding]:
    from cryptography import x509

    blocks = [block + _END for block in path.read_bytes().split(_END) if b"BEGIN X509 CRL" in block]
    dates = [date for block in blocks if (date := x509.load_pem_x509_crl(block).next_update_utc) is not None]
    if dates:
        message = f"a new {path} is due on {min(dates):%Y-%m-%d}"
        yield _dated("revocations", message, min(dates), "get the authority's list anew: it may lack somebody")


def _dated(name: str, message: str, ends: datetime, help_text: str) -> Finding:
    left = ends - datetime.now(UTC)
    level = Level.ERROR if left < timedelta(0) else Level.WARNING if left < _SOON else Level.OK
    return Finding(name=name, level=level, message=message, help="" if level is Level.OK else help_text)


_END = b"-----END X509 CRL-----"
