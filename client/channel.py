"""How the clients connect."""

import grpc
import grpc.aio

_OPTIONS = (
    ("grpc.max_receive_message_length", 64 * 1024 * 1024),
    # A daemon that is there but does not answer (a pulled cable, a stopped machine) is given up after 8 seconds.
    ("grpc.keepalive_time_ms", 5_000),
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


def open_channel(target: str) -> grpc.Channel:
    """Return a channel; nothing is sent before the first call."""
    return grpc.insecure_channel(target, options=_OPTIONS)


def open_async_channel(target: str) -> grpc.aio.Channel:
    """Return a channel for the running event loop."""
    return grpc.aio.insecure_channel(target, options=_OPTIONS)
