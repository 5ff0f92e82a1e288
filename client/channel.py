"""How the clients connect."""

from typing import Any, cast

import grpc
import grpc.aio

from tunewright.client.credentials import Credentials, read
from tunewright.client.targets import check_target

_OPTIONS = (
    ("grpc.max_receive_message_length", 64 * 1024 * 1024),
    # A daemon that is there but does not answer (a pulled cable, a stopped machine) is given up after 6 seconds.
    ("grpc.keepalive_time_ms", 3_000),
    ("grpc.keepalive_timeout_ms", 3_000),
    # Newer versions of gRPC wait this long for the answer to a ping, a minute by default, whatever the line above says.
    ("grpc.http2.ping_timeout_ms", 3_000),
    ("grpc.http2.max_pings_without_data", 0),
    # After a restart of the daemon its clients come back within a second.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    # A proxy from the environment is for the web, not for a daemon on this machine.
    ("grpc.enable_http_proxy", 0),
)


def open_channel(target: str, credentials: Credentials) -> grpc.Channel:
    """Return a channel; nothing is sent before the first call.

    Raises AddressError for a target that is none, CredentialError for files that can't be read.
    """
    check_target(target)
    if credentials.encrypts(target):
        return grpc.secure_channel(target, _secured(credentials), options=_OPTIONS)
    channel = grpc.insecure_channel(target, options=_OPTIONS)
    return grpc.intercept_channel(channel, _Bearing(credentials)) if credentials.has_token else channel


def open_async_channel(target: str, credentials: Credentials) -> grpc.aio.Channel:
    """Return a channel for the running event loop; raise as `open_channel` does."""
    check_target(target)
    if credentials.encrypts(target):
        return grpc.aio.secure_channel(target, _secured(credentials), options=_OPTIONS)
    bearing: Any = [_AsyncUnary(credentials), _AsyncStream(credentials)] if credentials.has_token else None
    return grpc.aio.insecure_channel(target, options=_OPTIONS, interceptors=bearing)


def _secured(credentials: Credentials) -> grpc.ChannelCredentials:
    authority, certificate, key = (
        None if path is None else read(path)
        for path in (credentials.authority, credentials.certificate, credentials.key)
    )
    from tunewright.client.handshake import check_files  # only who speaks TLS pays for it

    check_files(credentials)
    channel = grpc.ssl_channel_credentials(authority, key, certificate)
    if credentials.token() is None:
        return channel

    def bear(_: grpc.AuthMetadataContext, callback: grpc.AuthMetadataPluginCallback) -> None:
        callback((("authorization", f"Bearer {credentials.token()}"),), None)

    return grpc.composite_channel_credentials(channel, grpc.metadata_call_credentials(bear))  # type: ignore[arg-type]


class _Bearing(grpc.UnaryUnaryClientInterceptor, grpc.UnaryStreamClientInterceptor):  # type: ignore[type-arg]
    """Puts the token on calls that stay on this machine: gRPC itself takes credentials on encrypted channels only."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        """Send a call with the token."""
        return continuation(_bearing(client_call_details, self._credentials), request)

    def intercept_unary_stream(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        """Open a stream with the token."""
        return continuation(_bearing(client_call_details, self._credentials), request)


class _AsyncUnary(grpc.aio.UnaryUnaryClientInterceptor):  # type: ignore[type-arg]
    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    async def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        return await continuation(_bearing(client_call_details, self._credentials), request)


class _AsyncStream(grpc.aio.UnaryStreamClientInterceptor):  # type: ignore[type-arg]
    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    async def intercept_unary_stream(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        return await continuation(_bearing(client_call_details, self._credentials), request)


def _bearing(details: Any, credentials: Credentials) -> Any:
    """Return the details of a call with the token among what goes before the request."""
    metadata = [*(details.metadata or ()), ("authorization", f"Bearer {credentials.token()}")]
    is_async = isinstance(details, grpc.aio.ClientCallDetails)
    return cast(Any, details)._replace(metadata=grpc.aio.Metadata(*metadata) if is_async else metadata)
