"""Ctrl-C at any moment of opening and reading a stream: it is heard, and the connection can be closed."""

import os
import signal
import threading
import time

import pytest
from harness.daemons import Daemon
from harness.plans import a_plan, a_step

from tunewright.client.api import connect
from tunewright.client.local import socket_target


def press_after(seconds: float) -> None:
    time.sleep(seconds)
    os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.timeout(180)
def test_connection_closes_whenever_ctrl_c_came(daemon: Daemon) -> None:
    run = daemon.submit(a_plan(a_step("sft", [{"wait_for": "work/go"}]))).run.id
    for microseconds in range(0, 1500, 25):
        client = connect(socket_target(daemon.home))
        client.server_info()
        finger = threading.Thread(target=press_after, args=(microseconds / 1e6,))
        heard = False
        try:
            finger.start()
            for _ in client.watch(run):  # the run waits: only the interrupt ends this
                pass
        except KeyboardInterrupt:
            heard = True
        finger.join()
        assert heard
        # Without a bound this is where about one in fifty would stay for ever.
        client.close()
