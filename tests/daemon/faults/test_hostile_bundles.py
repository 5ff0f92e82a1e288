"""A runner, or somebody with a shell, does to a bundle or an artifact what nobody should."""

import json
import os
import shutil
from pathlib import Path

from harness.daemons import Daemon, eventually
from harness.plans import a_plan, a_shell_step, a_step, write

from tunewright.compiler.ir.plan import Limits
from tunewright.runners.supervision.record import read_processes

WAIT = {"wait_for": "work/go"}


def ended(daemon: Daemon, *steps: object) -> object:
    return daemon.finish(daemon.submit(a_plan(*steps)).run.id)


def test_removed_folder_of_a_running_attempt_costs_the_attempt_and_starts_nothing_beside_it(
    shared_daemon: Daemon,
) -> None:
    daemon, client = shared_daemon, shared_daemon.client
    run = daemon.submit(a_plan(a_step("sft", [WAIT, write("m", "removed")]))).run.id
    bundle = daemon.bundle(run, "sft")
    supervisor, runner = eventually(lambda: all(found := read_processes(bundle)) and found)
    eventually(lambda: client.get_run(run).run.step("sft").state == "running")

    shutil.rmtree(bundle)

    second = daemon.bundle(run, "sft", 2) / "work"
    eventually(second.is_dir)
    assert not supervisor.alive()
    assert not runner.alive()
    (second / "go").touch()
    assert daemon.finish(run).state == "succeeded"
    (retrying,) = [event for event in daemon.events(run) if event.kind == "step_retrying"]
    assert retrying.body["reason"] == "LOST"
    assert "removed" in retrying.body["message"]
    assert not bundle.exists()


def test_folder_removed_while_no_daemon_looks_is_not_started_beside_its_own_runner(stopped_daemon: Daemon) -> None:
    daemon = stopped_daemon.start(crash_at="after launch")
    run = daemon.submit(a_plan(a_step("sft", [WAIT, write("m", "x")]))).run.id
    daemon.wait()
    bundle = daemon.bundle(run, "sft")
    supervisor, runner = eventually(lambda: all(found := read_processes(bundle)) and found)
    shutil.rmtree(bundle)

    daemon.start()
    eventually((bundle / "events.jsonl").exists)

    assert not supervisor.alive()
    assert not runner.alive()
    (bundle / "work" / "go").touch()
    assert daemon.finish(run).state == "succeeded"


def test_links_and_pipes_in_place_of_logs_and_events_lead_nowhere(shared_daemon: Daemon, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(json.dumps({"seq": 1, "time": "t", "kind": "metric", "values": {"stolen": 1}}) + "\n")
    script = f"rm ../*.log; ln -s {secret} ../stdout.log; mkfifo ../stderr.log; ln -s {secret} ../events.jsonl"
    run = ended(shared_daemon, a_shell_step("sly", script))

    assert run.state == "succeeded"
    assert "metric" not in [event.kind for event in shared_daemon.events(run.id)]
    for stream in ("stdout", "stderr"):
        assert list(shared_daemon.client.logs(run.id, "sly", stream=stream)) == []


def test_pipe_in_place_of_the_events_holds_nobody(shared_daemon: Daemon) -> None:
    assert ended(shared_daemon, a_shell_step("pipe", "mkfifo ../events.jsonl")).state == "succeeded"


def test_work_folder_that_became_a_link_is_not_carried_on(shared_daemon: Daemon, tmp_path: Path) -> None:
    from dataclasses import replace

    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    script = f"test $TW_ATTEMPT != ${{TW_ATTEMPT%/1}}/1 || {{ cd ..; rm -r work; ln -s {elsewhere} work; exit 75; }}"
    step = a_shell_step("sly", script)
    step = replace(step, launch=replace(step.launch, files={"settings.json": "{}"}))
    run = ended(shared_daemon, step)
    assert (run.state, run.step("sly").attempt) == ("succeeded", 2)
    assert list(elsewhere.iterdir()) == []


def test_output_that_has_another_name_elsewhere_becomes_the_artifacts_own(
    shared_daemon: Daemon, tmp_path: Path
) -> None:
    mine = shared_daemon.home / "mine"  # a hard link needs the same disk
    mine.write_text("weights")
    run = ended(shared_daemon, a_shell_step("linked", f"ln {mine} ../outputs/model"))
    artifact = Path(shared_daemon.client.get_artifact(run.step("linked").artifact).path) / "model"
    mine.write_text("changed")
    assert artifact.read_text() == "weights"
    assert artifact.stat().st_mode & 0o222 == 0


def test_device_in_the_outputs_is_not_sealed(shared_daemon: Daemon) -> None:
    run = ended(shared_daemon, a_shell_step("device", "mkfifo ../outputs/model", limits=Limits(retries=0)))
    assert run.failure.reason == "SEAL_FAILED"
    assert "not a regular file" in run.failure.message


def rot(daemon: Daemon, digest: str, name: str) -> Path:
    """Turn one bit of an artifact; size and times stay."""
    path = Path(daemon.client.get_artifact(digest).path) / name
    before = path.stat()
    path.chmod(0o600)
    content = bytearray(path.read_bytes())
    content[0] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    path.chmod(0o400)
    return path


def test_rotten_artifact_is_never_used_and_made_anew(shared_daemon: Daemon) -> None:
    base = a_step("base", [write("model", "sound weights")])
    first = ended(shared_daemon, base)
    rot(shared_daemon, first.step("base").artifact, "model")

    hit = ended(shared_daemon, base, a_step("exam", [write("r", "1")], needs=["base"]))
    assert (hit.failure.step, hit.failure.reason) == ("exam", "INTEGRITY")
    assert "has changed on disk" in hit.failure.message

    again = ended(shared_daemon, base, a_step("exam", [write("r", "1")], needs=["base"]))
    assert [step.state for step in again.steps] == ["succeeded", "succeeded"]
    assert again.step("base").artifact == first.step("base").artifact


def test_equal_outputs_take_the_place_of_a_rotten_copy(shared_daemon: Daemon) -> None:
    first = ended(shared_daemon, a_step("one", [write("model", "the same weights")]))
    path = rot(shared_daemon, first.step("one").artifact, "model")
    second = ended(shared_daemon, a_step("two", [{"say": "other"}, write("model", "the same weights")]))
    assert second.step("two").artifact == first.step("one").artifact
    assert path.read_text() == "the same weights"
