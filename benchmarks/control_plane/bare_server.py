"""A gRPC server that does nothing: what the library itself can do on this machine. `bare_server.py SOCKET`.

`Echo` answers with what it was sent. `Flood` sends the message of the request N times. `Fan` joins a stream to all
others, and `Ring` sends its message once to each of them.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from typing import Any

import grpc
import grpc.aio

_COUNT_BYTES = 4


class Bare:
    """The methods; `_message` is what every open `Fan` sends next."""

    def __init__(self) -> None:
        self._message = b""
        self._next: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def echo(self, request: bytes, _: Any) -> bytes:
        """Answer with the request."""
        return request

    async def flood(self, request: bytes, _: Any) -> AsyncIterator[bytes]:
        """Send a message as often as the first bytes of the request say."""
        message = request[_COUNT_BYTES:]
        for _index in range(int.from_bytes(request[:_COUNT_BYTES], "big")):
            yield message

    async def fan(self, _: bytes, __: Any) -> AsyncIterator[bytes]:
        """Send every message that is rung."""
        while True:
            await asyncio.shield(self._next)
            yield self._message

    async def ring(self, request: bytes, _: Any) -> bytes:
        """Send a message to all open streams."""
        self._message = request
        self._next.set_result(None)
        self._next = asyncio.get_running_loop().create_future()
        return b""


async def main(socket: str) -> None:
    """Serve until killed."""
    bare, server = Bare(), grpc.aio.server()
    methods = {
        "Echo": grpc.unary_unary_rpc_method_handler(bare.echo),
        "Flood": grpc.unary_stream_rpc_method_handler(bare.flood),
        "Fan": grpc.unary_stream_rpc_method_handler(bare.fan),
        "Ring": grpc.unary_unary_rpc_method_handler(bare.ring),
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("bare", methods),))
    server.add_insecure_port(f"unix:{socket}")
    await server.start()
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
