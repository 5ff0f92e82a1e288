"""An attempt is launched three times and no more, however often the daemon dies in between."""

import signal

from harness.daemons import Daemon
from harness.plans import a_plan, a_step, write

from tunewright.compiler.ir.plan import Limits


def test_launches_are_counted_over_deaths_of_the_daemon(stopped_daemon: Daemon) -> None:
    daemon = stopped_daemon
    run = ""
    for _ in range(3):
        daemon.start(crash_at="before launch")
        run = run or daemon.submit(a_plan(a_step("sft", [write("f", "x")], limits=Limits(retries=0)))).run.id
        assert daemon.wait() == -signal.SIGKILL

    daemon.start()
    ended = daemon.finish(run)

    assert (ended.state, ended.failure.reason) == ("failed", "LAUNCH_FAILED")
    assert (daemon.bundle(run, "sft") / "claim.json").exists(), "no late supervisor may start the runner"
