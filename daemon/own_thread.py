"""Ask the system what it may never answer: a driver, a name server."""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

Answer = TypeVar("Answer")


def ask_in_own_thread(question: Callable[[], Answer], name: str) -> "asyncio.Future[Answer]":
    """Return what is answered by a thread of its own.

    A thread of a pool would be waited for when the daemon ends, and have others wait till then; this one is left
    behind.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Answer] = loop.create_future()

    def resolve(deliver: Callable[[], None]) -> None:
        if not future.cancelled():
            deliver()

    def work() -> None:
        try:
            answer = question()
        except Exception as error:
            told = error
            tell(lambda: future.set_exception(told))
        else:
            tell(lambda: future.set_result(answer))

    def tell(deliver: Callable[[], None]) -> None:
        with contextlib.suppress(RuntimeError):  # the daemon has ended meanwhile
            loop.call_soon_threadsafe(resolve, deliver)

    threading.Thread(target=work, name=name, daemon=True).start()
    return future
