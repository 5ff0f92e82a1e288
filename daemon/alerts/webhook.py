"""Send one message to a webhook: one POST, no redirect, no proxy, an end to everything.

Written on streams and not on an HTTP client: the whole exchange has one deadline, and the address that was looked at is
the address that is connected to.
"""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from tunewright.daemon.alerts.settings import AlertSettingsError
from tunewright.daemon.own_thread import ask_in_own_thread

_LONGEST_ANSWER = 8192
_LONGEST_URL = 2048
_MOST_ADDRESSES = 4
_GONE = 410


class DeliveryError(Exception):
    """A message was not taken; `final` when no other try will be. The message is for whoever may see the alert, so it
    holds nothing of addresses and files; `detail` is for the site's own eyes.
    """

    def __init__(self, message: str, *, final: bool = False, detail: str = "") -> None:
        super().__init__(message)
        self.final = final
        self.whole = f"{message}: {detail}" if detail else message


@dataclass(frozen=True, slots=True)
class Destination:
    """A checked address: HTTPS, or plain HTTP on this machine."""

    parts: SplitResult

    @property
    def host(self) -> str:
        """The host, without brackets."""
        return self.parts.hostname or ""

    @property
    def port(self) -> int:
        """The port, the scheme's own when none is written."""
        return self.parts.port or (443 if self.encrypted else 80)

    @property
    def encrypted(self) -> bool:
        """Whether it is HTTPS."""
        return self.parts.scheme == "https"

    @property
    def target(self) -> str:
        """What the request line names."""
        query = f"?{self.parts.query}" if self.parts.query else ""
        return f"{self.parts.path or '/'}{query}"


def destination(url: str) -> Destination:
    """Return an address that may be sent to; raise AlertSettingsError, without the address: part of it is secret."""
    if len(url) > _LONGEST_URL or not url.isascii() or not url.isprintable() or " " in url:
        raise AlertSettingsError(f"a `url` has printable ASCII characters without blanks, at most {_LONGEST_URL}")
    try:
        found = Destination(urlsplit(url))
        _ = found.port
    except ValueError:
        raise AlertSettingsError("this `url` can't be read") from None
    if found.parts.scheme not in ("https", "http") or not found.host:
        raise AlertSettingsError("a `url` begins with https://")
    if found.parts.username is not None or found.parts.fragment:
        raise AlertSettingsError("a `url` has no user and no fragment: receivers know us by the signature")
    if not found.encrypted and not _on_this_machine(found.host):
        raise AlertSettingsError("a `url` begins with https://; without encryption only on 127.0.0.1")
    return found


def _on_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def post(
    to: Destination, headers: Mapping[str, str], body: bytes, *, authority: Path | None, timeout_seconds: float
) -> None:
    """Send a body; raise DeliveryError when it was not taken (anything but 2xx) within the time."""
    try:
        async with asyncio.timeout(timeout_seconds):
            status = await _exchange(to, headers, body, authority)
    except TimeoutError:
        raise DeliveryError(f"no answer within {timeout_seconds:g} s") from None
    except ssl.SSLError as error:
        raise DeliveryError(f"no encrypted connection: {error.reason or 'the certificate is not accepted'}") from None
    except OSError as error:
        raise DeliveryError(f"no connection: {error.strerror or type(error).__name__}") from None
    if 300 <= status < 400:
        raise DeliveryError(f"it answers {status}, a redirection, which is not followed: write the address it has now")
    if not 200 <= status < 300:
        raise DeliveryError(f"it answers {status}", final=status == _GONE)


async def _exchange(to: Destination, headers: Mapping[str, str], body: bytes, authority: Path | None) -> int:
    reader, writer = await _connect(to, await _addresses(to), authority)
    try:
        writer.write(_request(to, headers, body))
        await writer.drain()
        return _status(await reader.readline())
    except ValueError:
        raise DeliveryError("its answer is no HTTP") from None
    finally:
        # The answer's body interests nobody: we don't wait for its end, nor for the peer's consent.
        writer.transport.abort()


async def _connect(
    to: Destination, addresses: Sequence[str], authority: Path | None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    context = ssl.create_default_context(cafile=authority) if to.encrypted else None
    name = to.host if to.encrypted else None
    trouble: OSError | None = None
    for address in addresses:
        try:
            return await asyncio.open_connection(
                address, to.port, ssl=context, server_hostname=name, limit=_LONGEST_ANSWER
            )
        except ssl.SSLError:
            raise
        except OSError as error:
            trouble = error
    raise trouble or DeliveryError("its host has an address that alerts never go to")


async def _addresses(to: Destination) -> list[str]:
    """Return the first addresses that a host has now and that alerts may go to."""
    try:
        ipaddress.ip_address(to.host)
    except ValueError:
        try:
            look = partial(socket.getaddrinfo, to.host, to.port, type=socket.SOCK_STREAM)
            found = await ask_in_own_thread(look, "alerts-resolve")
        except OSError:
            raise DeliveryError("its host has no address") from None
        known = list(dict.fromkeys(str(item[4][0]) for item in found))
    else:
        known = [to.host]
    return [address for address in known if _may_be_told(address, encrypted=to.encrypted)][:_MOST_ADDRESSES]


def _may_be_told(text: str, *, encrypted: bool) -> bool:
    """Private networks are where a site's own receivers are. Link-local ones hold what clouds tell their machines, and
    plain HTTP stays on this machine whatever a name resolves to.
    """
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if address.is_link_local or address.is_multicast or address.is_unspecified:
        return False
    return encrypted or address.is_loopback


def _request(to: Destination, headers: Mapping[str, str], body: bytes) -> bytes:
    lines = [
        f"POST {to.target} HTTP/1.1",
        f"Host: {to.parts.netloc}",
        "User-Agent: tunewright",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        "Connection: close",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode("ascii") + body


def _status(line: bytes) -> int:
    words = line.split(maxsplit=2)
    if len(words) < 2 or not words[0].startswith(b"HTTP/1.") or not words[1].isdigit() or len(words[1]) != 3:
        raise DeliveryError("its answer is no HTTP" if line else "it closed the connection without an answer")
    return int(words[1])
