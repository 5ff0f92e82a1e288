"""`/metrics` over HTTP: for everybody on this machine; from elsewhere with TLS, and proof of a role that reads."""

import asyncio
import ipaddress
import logging
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from tunewright.daemon.access.certificates import server_context
from tunewright.daemon.access.door import Evidence
from tunewright.daemon.access.roles import Permission
from tunewright.daemon.access.rules import Place, Rule
from tunewright.daemon.access.site import AccessError, Site, is_loopback
from tunewright.daemon.errors import RefusedError
from tunewright.daemon.listening import ListenError
from tunewright.daemon.metrics.exposition import Exposition
from tunewright.daemon.metrics.requests import (
    MAX_HEAD_BYTES,
    Answer,
    Request,
    RequestError,
    head_and_content,
    read_request,
)
from tunewright.daemon.services.border import Border

_log = logging.getLogger(__name__)

_PATIENCE_SECONDS = 10.0
_MAX_CONNECTIONS = 32
#: Figures are about all projects at once, so reading is needed in all of them.
_SCRAPE = Rule(Permission.READ, Place.EVERYWHERE)
_METHOD = "GET /metrics"
_STATUS: Mapping[str, HTTPStatus] = {
    "UNAUTHENTICATED": HTTPStatus.UNAUTHORIZED,
    "PERMISSION_DENIED": HTTPStatus.FORBIDDEN,
    "RESOURCE_EXHAUSTED": HTTPStatus.TOO_MANY_REQUESTS,
}


@dataclass(slots=True, kw_only=True)
class Endpoint:
    """Answers scrapes; `border` says who may, None where everybody may who reaches the address."""

    exposition: Exposition
    border: Border | None
    _open: set[asyncio.StreamWriter] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection."""
        self._open.add(writer)
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                writer.write(await self._content(reader, writer))
                await writer.drain()
        except (OSError, TimeoutError, ssl.SSLError):
            return  # who asks has gone, or is too slow: there is nobody to tell
        finally:
            self._open.discard(writer)
            writer.close()

    async def _content(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        if len(self._open) > _MAX_CONNECTIONS:
            return head_and_content(_told(HTTPStatus.SERVICE_UNAVAILABLE, "too many connections"), with_content=True)
        try:
            request = await read_request(reader)
        except RequestError as error:
            return head_and_content(_told(error.status, error.status.phrase), with_content=True)
        try:
            answer = await self._answer(request, writer)
        except RefusedError as error:
            status = _STATUS.get(error.code.name, HTTPStatus.SERVICE_UNAVAILABLE)
            answer = _told(status, f"{error.reason}: {error.message}")
        except Exception:
            _log.exception("the metrics could not be read")
            answer = _told(HTTPStatus.INTERNAL_SERVER_ERROR, "the metrics could not be read; the daemon's log says why")
        return head_and_content(answer, with_content=request.method != "HEAD")

    async def _answer(self, request: Request, writer: asyncio.StreamWriter) -> Answer:
        if request.method not in ("GET", "HEAD"):
            return _told(HTTPStatus.METHOD_NOT_ALLOWED, "only GET and HEAD")
        if request.path != "/metrics":
            return _told(HTTPStatus.NOT_FOUND, "there is nothing but /metrics here")
        if self.border is not None:
            await self.border.let_in(_evidence(request, writer), _METHOD, _SCRAPE)
        elif not _names_this_machine(request.headers.get("host", "")):
            # A page in a browser on this machine could have any name lead here, and read the answer.
            return _told(HTTPStatus.MISDIRECTED_REQUEST, "ask for 127.0.0.1 or localhost")
        text, kind = await self.exposition.text(request.headers.get("accept", ""))
        return Answer(status=HTTPStatus.OK, content=text, kind=kind)


async def open_endpoint(address: str, site: Site, exposition: Exposition, border: Border) -> asyncio.Server:
    """Listen; raise AccessError where others would read without proof, ListenError where something else listens."""
    context = check_metrics_address(address, site)
    endpoint = Endpoint(exposition=exposition, border=None if context is None else border)
    host, _, port = address.rpartition(":")
    patience: Any = {} if context is None else {"ssl_handshake_timeout": _PATIENCE_SECONDS}
    try:
        return await asyncio.start_server(
            endpoint.serve, host.strip("[]"), int(port), ssl=context, limit=MAX_HEAD_BYTES, **patience
        )
    except OSError as error:
        message = f"can't serve metrics on {address}: {error.strerror}; stop what listens there or choose another port"
        raise ListenError(message) from error


def check_metrics_address(address: str, site: Site) -> ssl.SSLContext | None:
    """Return what secures an address, None on this machine; raise AccessError where nothing does."""
    if is_loopback(address):
        return None
    if site.tls is None:
        raise AccessError(
            f"metrics on {address} are read from other machines: add `tls` to the access file (--access), and give who"
            " scrapes a token or a certificate with the role viewer in all projects (docs/observing.md), or choose an"
            " address such as 127.0.0.1:9464"
        )
    return server_context(site.tls, site.certificates)


def url_of(server: asyncio.Server, address: str) -> str:
    """Return where a server answers; the port is the real one."""
    scheme = "http" if is_loopback(address) else "https"
    return f"{scheme}://{address.rpartition(':')[0]}:{server.sockets[0].getsockname()[1]}/metrics"


def _evidence(request: Request, writer: asyncio.StreamWriter) -> Evidence:
    host, port, *_ = writer.get_extra_info("peername")
    kind = "ipv6" if ":" in host else "ipv4"
    shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    return Evidence(
        peer=f"{kind}:{f'[{host}]' if kind == 'ipv6' else host}:{port}",
        certificate=None if shown is None else ssl.DER_cert_to_PEM_cert(shown).encode("ascii"),
        authorization=request.headers.get("authorization"),
    )


def _names_this_machine(host: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _told(status: HTTPStatus, text: str) -> Answer:
    more = {"WWW-Authenticate": "Bearer"} if status is HTTPStatus.UNAUTHORIZED else {}
    return Answer(status=status, content=f"{text}\n".encode(), headers=more)
