"""Why a TLS connection to a daemon fails: gRPC only says that the socket was closed, so the handshake is done again
here, step by step, and each way to fail gets its sentence.
"""

import socket
import ssl
from datetime import UTC, datetime
from pathlib import Path

from tunewright.client.credentials import Credentials, read
from tunewright.client.errors import CredentialError

_TIMEOUT_SECONDS = 3.0
_EXPIRED, _NOT_YET, _HOST_NAME, _ADDRESS = 10, 9, 62, 64
_NEW = "ask who runs the authority for a new one (`tunewright access certificate client` there)"


def explain(target: str, credentials: Credentials) -> CredentialError | None:
    """Return what is wrong with a credential, None when that is not why nobody answers."""
    host, _, port = target.rpartition(":")
    if target.startswith("unix:") or not port.isdecimal():
        return None
    address = (host.strip("[]"), int(port))
    try:
        if credentials.encrypts(target):
            return _own_problem(credentials) or _handshake_problem(address, credentials)
        return _unencrypted_problem(address, target)
    except CredentialError as error:
        return error
    except OSError:
        return None


def check_files(credentials: Credentials) -> None:
    """Raise CredentialError where the files can't be used: gRPC would write its own log on the terminal, a line a try,
    and only say that nobody answers.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for path in (credentials.authority, credentials.certificate):
        if path is None:
            continue
        try:
            context.load_verify_locations(cadata=read(path).decode("ascii", errors="replace"))
        except (ssl.SSLError, ValueError):
            message = f"{path} holds no certificate in PEM form"
            raise CredentialError(message, help="are certificate and key mixed up?") from None
    if credentials.certificate is not None and credentials.key is not None:
        try:
            context.load_cert_chain(credentials.certificate, credentials.key, password=lambda: b"")
        except (ssl.SSLError, OSError):
            message = f"{credentials.key} is not the key of {credentials.certificate}"
            raise CredentialError(message, help="name the key that was made with it") from None


def _own_problem(credentials: Credentials) -> CredentialError | None:
    """Looked at first: a daemon that refuses a certificate need not say why."""
    from cryptography import x509

    for name, path in (("certificate", credentials.certificate), ("authority's certificate", credentials.authority)):
        if path is None:
            continue
        try:
            found = x509.load_pem_x509_certificate(read(path))
        except ValueError:
            return CredentialError(f"{path} holds no certificate in PEM form")
        now = datetime.now(UTC)
        if found.not_valid_after_utc < now:
            day = found.not_valid_after_utc.strftime("%Y-%m-%d %H:%M UTC")
            return CredentialError(f"your {name} {path} has expired, on {day}", help=_NEW)
        if found.not_valid_before_utc > now:
            day = found.not_valid_before_utc.strftime("%Y-%m-%d %H:%M UTC")
            return CredentialError(f"your {name} {path} is not valid before {day}", help="look at this machine's clock")
    return None


def _handshake_problem(address: tuple[str, int], credentials: Credentials) -> CredentialError | None:
    context = ssl.create_default_context(cafile=_text(credentials.authority))
    context.set_alpn_protocols(["h2"])
    if credentials.certificate is not None and credentials.key is not None:
        context.load_cert_chain(credentials.certificate, credentials.key)
    try:
        with (
            socket.create_connection(address, _TIMEOUT_SECONDS) as plain,
            context.wrap_socket(plain, server_hostname=address[0]) as secured,
        ):
            return None if _is_welcome(secured) else _of_caller(credentials)
    except ssl.SSLCertVerificationError as error:
        return _of_daemon(error, address[0], credentials)
    except ssl.SSLError as error:
        if "WRONG_VERSION_NUMBER" not in (error.reason or ""):
            return None
        message = f"what answers at {address[0]}:{address[1]} does not speak TLS"
        return CredentialError(message, help="leave --ca and --cert out for a daemon on this machine that takes tokens")


def _is_welcome(secured: ssl.SSLSocket) -> bool:
    """In TLS 1.3 the daemon looks at the caller's certificate when the caller thinks that all is done. Then it begins
    HTTP/2, or closes without a word.
    """
    try:
        return bool(secured.recv(1))
    except TimeoutError:
        return True
    except OSError:
        return False


def _of_daemon(error: ssl.SSLCertVerificationError, host: str, credentials: Credentials) -> CredentialError:
    if error.verify_code == _EXPIRED:
        message = "the daemon's certificate has expired"
        return CredentialError(message, help="who runs the daemon must put a new one in place; it need not restart")
    if error.verify_code == _NOT_YET:
        return CredentialError("the daemon's certificate is not valid yet", help="look at this machine's clock")
    if error.verify_code in (_HOST_NAME, _ADDRESS):
        message = f"the daemon's certificate is not for `{host}`"
        return CredentialError(message, help="call it by a name that is in its certificate")
    whose = f"not of the authority in {credentials.authority}" if credentials.authority else "of an unknown authority"
    message = f"the daemon's certificate is {whose}: it may be another daemon"
    return CredentialError(message, help="ask who runs the daemon for its authority's certificate, and give it as --ca")


def _of_caller(credentials: Credentials) -> CredentialError:
    if credentials.certificate is None:
        message = "the daemon takes callers with a certificate only, and none was given"
        return CredentialError(message, help="give yours with --cert and --key")
    from cryptography import x509

    issuer = x509.load_pem_x509_certificate(read(credentials.certificate)).issuer.rfc4514_string()
    message = f"the daemon does not take your certificate {credentials.certificate}: it knows no authority `{issuer}`"
    return CredentialError(message, help=_NEW)


def _unencrypted_problem(address: tuple[str, int], target: str) -> CredentialError | None:
    """Whether what answers wants TLS: found by offering it."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with socket.create_connection(address, _TIMEOUT_SECONDS) as plain, context.wrap_socket(plain):
            pass
    except ssl.SSLError:
        return None
    message = f"the daemon at {target} speaks TLS only"
    return CredentialError(message, help="give its authority's certificate with --ca")


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)
