"""Callers that vanish, send nonsense, never read, or ask for what lies elsewhere: refused by name, nothing stored."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from harness.daemons import PACKAGE_ROOT, Daemon, eventually, source_of
from harness.plans import a_plan, a_shell_step, a_step, write
from harness.somebody import NAMELESS, ask, needs_root

from tunewright.client.local import socket_target
from tunewright.proto.v1 import artifact_service_pb2 as artifact_wire
from tunewright.proto.v1 import (
    artifact_service_pb2_grpc,
    log_service_pb2,
    log_service_pb2_grpc,
    run_service_pb2_grpc,
    spec_pb2,
)
from tunewright.proto.v1 import run_service_pb2 as wire
from tunewright.runners.supervision.record import read_processes

WAIT = {"wait_for": "work/go"}
LONG = "x" * 65_000
ELSEWHERE = ["..", "../../etc/passwd", "/etc/passwd", "a/../../x", "~root", "a\nb", "x" * 300, LONG, "%2e%2e", ""]


@pytest.fixture
def channel(shared_daemon: Daemon) -> Iterator[grpc.Channel]:
    """A channel without the client's patience."""
    with grpc.insecure_channel(socket_target(shared_daemon.home)) as channel:
        yield channel


def refused(call: object) -> grpc.StatusCode:
    try:
        answer = call()
        list(answer if isinstance(answer, Iterator) else ())
    except grpc.RpcError as error:
        return error.code()
    pytest.fail(f"answered {answer}")


@pytest.mark.parametrize("name", ELSEWHERE, ids=lambda text: repr(text[:12]))
def test_names_lead_nowhere_but_to_what_is_there(channel: grpc.Channel, name: str) -> None:
    runs, logs = run_service_pb2_grpc.RunServiceStub(channel), log_service_pb2_grpc.LogServiceStub(channel)
    artifacts = artifact_service_pb2_grpc.ArtifactServiceStub(channel)
    bad = (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND, grpc.StatusCode.PERMISSION_DENIED)
    assert refused(lambda: runs.GetRun(wire.GetRunRequest(name=f"runs/{name}"))) in bad
    assert refused(lambda: runs.CancelRun(wire.CancelRunRequest(name=f"runs/{name}"))) in bad
    step = f"runs/{name}/steps/{name}"
    assert refused(lambda: logs.ReadLogs(log_service_pb2.ReadLogsRequest(name=step))) in bad
    digest = artifact_wire.GetArtifactRequest(name=f"artifacts/{name}")
    assert refused(lambda: artifacts.GetArtifact(digest)) in bad


@pytest.mark.parametrize("field", ["request_id", "path", "profile", "sets", "variables"])
def test_words_of_65_kilobytes_are_refused_and_nothing_is_stored(
    shared_daemon: Daemon, channel: grpc.Channel, field: str
) -> None:
    before = len(list(shared_daemon.client.list_runs()))
    source = spec_pb2.SpecSource(text="{}", path="life.yaml", base_directory="/")
    request = wire.CreateRunRequest(source=source)
    if field == "request_id":
        request.request_id = LONG
    elif field == "sets":
        request.source.sets.append(LONG)
    elif field == "variables":
        request.source.variables["NAME"] = LONG
    else:
        setattr(request.source, field, LONG)
    code = refused(lambda: run_service_pb2_grpc.RunServiceStub(channel).CreateRun(request))
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert len(list(shared_daemon.client.list_runs())) == before


def test_reasons_of_65_kilobytes_are_refused(shared_daemon: Daemon, channel: grpc.Channel) -> None:
    run = shared_daemon.submit(a_plan(a_step("sft", [WAIT]))).run
    stub = run_service_pb2_grpc.RunServiceStub(channel)
    for request, call in (
        (wire.CancelRunRequest(name=f"runs/{run.id}", reason=LONG), stub.CancelRun),
        (wire.PauseRunRequest(name=f"runs/{run.id}", reason=LONG), stub.PauseRun),
        (wire.PauseRunRequest(name=f"runs/{run.id}", by=LONG), stub.PauseRun),
    ):
        assert refused(lambda call=call, request=request: call(request)) is grpc.StatusCode.INVALID_ARGUMENT
    shared_daemon.client.cancel(run.id, mode="now")
    shared_daemon.finish(run.id)


def test_message_and_head_beyond_the_limit_are_refused_unread(channel: grpc.Channel) -> None:
    stub = run_service_pb2_grpc.RunServiceStub(channel)
    source = spec_pb2.SpecSource(text="x" * 9_000_000, base_directory="/")
    code = refused(lambda: stub.CreateRun(wire.CreateRunRequest(source=source)))
    assert code is grpc.StatusCode.RESOURCE_EXHAUSTED
    head = (("x-much", "x" * 64_000),)
    code = refused(lambda: stub.GetRun(wire.GetRunRequest(name="runs/a"), metadata=head))
    assert code is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_plan_of_a_million_steps_is_refused_in_time(shared_daemon: Daemon) -> None:
    from tunewright.client.errors import RefusedError
    from tunewright.client.values import SpecSource

    text = "steps:\n" + "".join(f"  s{number}: {{}}\n" for number in range(1_000_000))
    began = time.monotonic()
    with pytest.raises(RefusedError) as caught:
        shared_daemon.client.check(SpecSource(text=text, base_directory="/"))
    assert caught.value.reason in ("FIELD_INVALID", "RESOURCE_EXHAUSTED", "MESSAGE_TOO_LARGE", "")
    assert time.monotonic() - began < 20


def test_cursor_from_the_future_is_refused(shared_daemon: Daemon, channel: grpc.Channel) -> None:
    run = shared_daemon.finish(shared_daemon.submit(a_plan(a_step("one", [write("f", "x")]))).run.id)
    stub = run_service_pb2_grpc.RunServiceStub(channel)
    code = refused(lambda: stub.WatchRun(wire.WatchRunRequest(name=f"runs/{run.id}", after_sequence=2**62)))
    assert code is grpc.StatusCode.INVALID_ARGUMENT


KILLED = """
import os, signal, sys
from pathlib import Path
import grpc
from tunewright.proto.v1 import run_service_pb2 as wire, run_service_pb2_grpc, spec_pb2
channel = grpc.insecure_channel(sys.argv[1])
source = spec_pb2.SpecSource(text=Path(sys.argv[2]).read_text(), path="life.yaml", base_directory="/")
call = run_service_pb2_grpc.RunServiceStub(channel).CreateRun.future(
    wire.CreateRunRequest(source=source, request_id="of a client that dies"))
call.add_done_callback(lambda _: None)
if sys.argv[3] == "soon":
    import time; time.sleep(0.02)
else:
    call.result()
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("when", ["soon", "after the answer"])
def test_client_killed_around_the_answer_finds_its_run_again(shared_daemon: Daemon, tmp_path: Path, when: str) -> None:
    plan = a_plan(a_step("one", [{"say": when}, write("f", "x")]), name=f"of-{len(when)}")
    (tmp_path / "plan").write_text(source_of(plan).text)
    code = KILLED.replace("of a client that dies", f"of a client that dies {when}")
    environment = {**os.environ, "PYTHONPATH": PACKAGE_ROOT}
    target = socket_target(shared_daemon.home)
    command = [sys.executable, "-P", "-c", code, target, str(tmp_path / "plan"), when]
    assert subprocess.run(command, env=environment, timeout=60).returncode == -9
    run = shared_daemon.submit(plan, request_id=f"of a client that dies {when}").run.id
    assert shared_daemon.finish(run).state == "succeeded"
    assert [item.id for item in shared_daemon.client.list_runs(spec_name=plan.name)] == [run]


WATCHER = """
import sys
from tunewright.client.api import connect
with connect(sys.argv[1]) as client:
    for event in client.watch(sys.argv[2]):
        print(event.sequence, flush=True)
"""


def test_watcher_that_is_killed_leaves_nothing_behind(stopped_daemon: Daemon) -> None:
    """A private daemon ends when no call is open: it would stay for one that leaked."""
    daemon = stopped_daemon.start("--private", "--idle-seconds", "0.5")
    run = daemon.submit(a_plan(a_step("sft", [WAIT]))).run.id
    environment = {**os.environ, "PYTHONPATH": PACKAGE_ROOT}
    command = [sys.executable, "-P", "-c", WATCHER, socket_target(daemon.home), run]
    watchers = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) for _ in range(3)]
    for watcher in watchers:
        assert watcher.stdout is not None
        assert watcher.stdout.readline() == b"1\n"
        watcher.kill()
        watcher.wait()
        watcher.stdout.close()
    (daemon.bundle(run, "sft") / "work").mkdir(parents=True, exist_ok=True)
    (daemon.bundle(run, "sft") / "work" / "go").touch()
    assert daemon.wait(30) == 0


def test_watcher_that_never_reads_costs_the_daemon_no_memory(shared_daemon: Daemon, channel: grpc.Channel) -> None:
    lines = (
        'awk \'BEGIN { x = sprintf("%8000s", ""); for (i = 1; i <= 2500; i++)'
        ' printf "{\\"seq\\": %d, \\"time\\": \\"\\", \\"kind\\": \\"site.text\\", \\"text\\": \\"%s\\"}\\n", i, x }\''
        " >> ../events.jsonl"
    )
    run = shared_daemon.finish(shared_daemon.submit(a_plan(a_shell_step("talks", lines))).run.id)
    before = resident_bytes(shared_daemon.pid)
    stub = run_service_pb2_grpc.RunServiceStub(channel)
    silent = [stub.WatchRun(wire.WatchRunRequest(name=f"runs/{run.id}")) for _ in range(3)]
    total = sum(1 for _ in shared_daemon.client.watch(run.id))
    assert total == run.last_sequence
    assert total > 2500
    assert resident_bytes(shared_daemon.pid) - before < 80_000_000, "20 MB of log for each of three who do not read"
    for stream in silent:
        stream.cancel()


def resident_bytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_hundred_watchers_at_once_after_a_restart(daemon: Daemon) -> None:
    run = daemon.submit(a_plan(a_step("sft", [WAIT, write("f", "x")]))).run.id
    daemon.kill()
    daemon.start()
    seen: list[int] = []
    with grpc.insecure_channel(socket_target(daemon.home)) as channel:
        stub = run_service_pb2_grpc.RunServiceStub(channel)
        streams = [stub.WatchRun(wire.WatchRunRequest(name=f"runs/{run}")) for _ in range(100)]

        def follow(stream: Iterator[wire.WatchRunResponse]) -> None:
            seen.append([page.last_sequence for page in stream][-1])

        threads = [threading.Thread(target=follow, args=(stream,)) for stream in streams]
        for thread in threads:
            thread.start()
        (daemon.bundle(run, "sft") / "work").mkdir(parents=True, exist_ok=True)
        (daemon.bundle(run, "sft") / "work" / "go").touch()
        for thread in threads:
            thread.join(60)
    assert seen == [daemon.finish(run).last_sequence] * 100


def test_log_of_four_gigabytes_is_kept_to_its_bound_and_counted(shared_daemon: Daemon) -> None:
    """One line, without an end: 4 GiB of zeros."""
    run = shared_daemon.finish(
        shared_daemon.submit(a_plan(a_shell_step("loud", "head -c 4294967296 /dev/zero"))).run.id
    )
    assert run.state == "succeeded"
    log = shared_daemon.bundle(run.id, "loud") / "stdout.log"
    assert log.stat().st_size < 65 * 2**20
    tail = b"".join(chunk.data for chunk in shared_daemon.client.logs(run.id, "loud", stream="stdout", offset=-70_000))
    left_out = 4 * 2**30 - 64 * 2**20 - 64 * 1024
    assert b"\n[tunewright: %d bytes left out here]\n" % left_out in tail


def test_words_of_the_spec_never_reach_a_shell(shared_daemon: Daemon, tmp_path: Path) -> None:
    mark = tmp_path / "executed"
    evil = [f"; touch {mark}", f"$(touch {mark})", f"`touch {mark}`", f"| touch {mark}", f"\n touch {mark}\n"]
    step = a_step("sft", [{"say": word} for word in evil])
    run = shared_daemon.finish(shared_daemon.submit(a_plan(step)).run.id)
    assert run.state == "succeeded"
    assert not mark.exists()
    log = b"".join(chunk.data for chunk in shared_daemon.client.logs(run.id, "sft"))
    assert all(word.strip().encode() in log for word in evil)


def test_another_user_of_the_machine_sees_nothing(shared_daemon: Daemon) -> None:
    """Not while it runs and not afterwards, although the home lies where everybody can go."""
    needs_root()
    running = shared_daemon.submit(a_plan(a_step("one", [WAIT, write("f", "x")]), name="watched")).run.id
    supervisor, runner = eventually(
        lambda: all(found := read_processes(shared_daemon.bundle(running, "one"))) and found
    )
    for folder in shared_daemon.home.parents:
        folder.chmod(folder.stat().st_mode | 0o001)
    assert seen_by_somebody(shared_daemon.home, runner.pid, supervisor.pid, shared_daemon.pid) == []
    refused = ask(NAMELESS, socket_target(shared_daemon.home), "who_am_i")
    assert "answer" not in refused
    (shared_daemon.bundle(running, "one") / "work" / "go").touch()
    shared_daemon.finish(running)
    assert seen_by_somebody(shared_daemon.home) == []


_TRY = """
import json, os, signal, sys
paths, pids = json.loads(sys.argv[1])
os.setgroups([]); os.setgid(54321); os.setuid(54321)
seen = []
for path in paths:
    try: os.stat(path); seen.append(path)
    except PermissionError: pass
for pid in pids:
    for name in ("environ", "mem", "fd", "cwd", "root"):
        try:
            path = f"/proc/{pid}/{name}"
            (os.listdir if name == "fd" else os.readlink if name in ("cwd", "root") else open)(path)
            seen.append(path)
        except PermissionError: pass
    try: os.kill(pid, 0); seen.append(pid)
    except PermissionError: pass
print(json.dumps(seen))
"""


def seen_by_somebody(home: Path, *pids: int) -> list[str]:
    """Return what another user reaches of a home and of processes: every file is tried by its name."""
    paths = [str(path) for path in home.rglob("*")]
    assert any(path.endswith("/step.json") for path in paths)
    assert any(path.endswith("/daemon.sock") for path in paths)
    command = [sys.executable, "-c", _TRY, json.dumps([paths, pids])]
    return list(json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout))


def test_file_where_the_socket_belongs_is_replaced_and_an_open_home_closed(stopped_daemon: Daemon) -> None:
    stopped_daemon.home.mkdir(mode=0o777)
    stopped_daemon.home.chmod(0o777)
    (stopped_daemon.home / "daemon.sock").write_text("left by something")
    daemon = stopped_daemon.start()
    assert daemon.answers()
    assert daemon.home.stat().st_mode & 0o077 == 0
    eventually(daemon.answers)
