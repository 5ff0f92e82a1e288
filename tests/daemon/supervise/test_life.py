"""An attempt from launch to exit record: what the runner gets, what is sealed, how an ending is told."""

import json
import os
import signal
import stat
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from tunewright.daemon import supervise
from tunewright.runners.contract import Command
from tunewright.runners.supervision.spawn import prepare_bundle, spawn_supervisor
from tunewright.spec.canonical import digest_of_tree


def python(code: str, **env: str) -> Command:
    return Command(argv=(sys.executable, "-P", "-c", code), env=env)


def test_a_step_that_works_is_sealed(bundle):
    script = [
        {"write": {"path": "outputs/a/model.bin", "text": "weights"}},
        {"emit": {"kind": "artifact", "role": "model", "path": "."}},
        {"say": "all well"},
    ]
    record = bundle.play(script)
    assert (record.code, record.signal, record.reason) == (0, None, "SUCCEEDED")
    assert record.outputs == supervise.SealedOutputs(digest=digest_of_tree(bundle.path / "outputs"), bytes=7, files=1)
    assert record.log_tail == ("all well",)
    assert record.started <= record.ended
    assert 5_000_000 < record.peak_memory_bytes < 500_000_000
    assert bundle.kinds() == ["started", "artifact", "phase"]
    assert [event.seq for event in bundle.events()] == [1, 2, 3]
    assert stat.S_IMODE(bundle.path.stat().st_mode) == 0o700
    assert bundle.supervisor_log() == ""


def test_nothing_is_started_before_the_launch(bundle):
    assert supervise.probe(bundle.path) == supervise.NotStarted()
    assert supervise.read_events(bundle.path, 0, 10) == ([], 0)
    assert supervise.read_log(bundle.path, "stdout", 0, 10) == (b"", 0)


def test_a_launched_step_is_never_seen_as_not_started(bundle):
    bundle.launch([{"wait_for": "work/go"}])
    assert isinstance(supervise.probe(bundle.path), supervise.Running)
    bundle.eventually(lambda: "started" in bundle.kinds())
    state = supervise.probe(bundle.path)
    assert state.pids == (bundle.supervisor(), bundle.runner())
    (bundle.path / "work" / "go").touch()
    assert bundle.finish().code == 0


def test_the_environment_is_an_allow_list(bundle, monkeypatch):
    monkeypatch.setenv("BANK_TOKEN", "secret")
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.setenv("ASCEND_DEVICE_ID", "3")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    code = "import json, os; json.dump(dict(os.environ), open('env.json', 'w'))"
    assert bundle.play(command=python(code, MINE="1", TW_ATTEMPT="forged")).code == 0
    seen = json.loads(bundle.text("work/env.json"))
    assert "BANK_TOKEN" not in seen
    assert "OMP_NUM_THREADS" not in seen
    assert (seen["ASCEND_DEVICE_ID"], seen["CUDA_VISIBLE_DEVICES"], seen["MINE"]) == ("3", "1", "1")
    assert (seen["TW_ATTEMPT"], seen["TUNEWRIGHT_BUNDLE"]) == ("r1/s1/1", str(bundle.path))
    assert (seen["HF_HUB_DISABLE_TELEMETRY"], seen["DO_NOT_TRACK"]) == ("1", "1")


@pytest.mark.parametrize(("service", "niceness"), [(False, 10), (True, 0)])
def test_a_runner_leads_its_group_and_yields_to_the_control_plane(bundle, service, niceness):
    code = "import os; print(os.getpid() == os.getpgid(0) != os.getsid(0), os.nice(0), os.getcwd())"
    bundle.play(command=python(code), service=service)
    expected = min(os.nice(0) + niceness, 19)
    assert bundle.text("stdout.log").split() == ["True", str(expected), str(bundle.path / "work")]


def test_a_runner_inherits_no_ignored_signal_and_no_descriptor(bundle):
    shell = "grep SigIgn /proc/self/status; ls -l /proc/self/fd"
    before = signal.signal(signal.SIGQUIT, signal.SIG_IGN)  # as a shell does with what it starts in the background
    try:
        bundle.play(command=Command(argv=("sh", "-c", shell)))
    finally:
        signal.signal(signal.SIGQUIT, before)
    output = bundle.text("stdout.log")
    ignored = int(output.partition("SigIgn:")[2].split()[0], 16)
    # Signals 32 and 33 belong to the C library: nobody can set them, and who started the tests may have left them so.
    assert ignored & ~(0b11 << 31) == 0
    assert "lock" not in output
    assert sum(" -> " in line for line in output.splitlines()) == 4  # 0, 1, 2 and the folder that ls reads


def test_step_files_and_prepare_come_first(bundle):
    record = bundle.play(
        files={"conf/deepspeed.json": "{}"},
        prepare=(python("open('one', 'w').write(open('conf/deepspeed.json').read())"), python("open('one').read()")),
        command=python("print(open('one').read())"),
    )
    assert (record.code, bundle.text("stdout.log")) == (0, "{}\n")


def test_a_failing_prepare_ends_the_attempt(bundle):
    record = bundle.play(prepare=(python("import sys; sys.exit('no compiler')"),), command=python("print('never')"))
    assert (record.code, record.reason, record.message) == (1, "FAILED", "the work failed: no compiler")
    assert bundle.text("stdout.log") == ""


@pytest.mark.parametrize("name", ["/etc/passwd", "../step.json", "a/../../x", "", "a\0b"])
def test_step_files_stay_in_work(bundle, name):
    record = bundle.play(files={name: "text"})
    assert (record.code, record.reason, record.started) == (64, "NOT_UNDERSTOOD", None)
    assert bundle.events() == []


def test_step_files_do_not_follow_a_link_out_of_work(bundle, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (bundle.path / "work").mkdir(parents=True)
    (bundle.path / "work" / "conf").symlink_to(tmp_path / "elsewhere")
    assert bundle.play(files={"conf/x.json": "{}"}).code == 64
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_missing_interpreter_is_told(bundle):
    record = bundle.play(command=Command(argv=("/no/such/python", "-P")))
    assert (record.code, record.reason) == (69, "LAUNCH_FAILED")
    assert record.message == "can't start `/no/such/python`: No such file or directory"
    assert "env sync" in record.help


def test_a_step_file_of_another_contract_is_not_understood(bundle):
    record = bundle.play(contract_version=99)
    assert (record.code, record.reason) == (64, "NOT_UNDERSTOOD")
    assert "contract version 99" in record.message


def test_launching_many_times_starts_once(bundle):
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: bundle.launch([{"write": {"path": "work/x", "text": "x"}}]), range(16)))
    assert bundle.finish().code == 0
    bundle.launch([{"exit": 1}])
    assert bundle.finish().code == 0
    assert bundle.kinds() == ["started", "phase"]


def test_supervisors_without_a_daemon_start_once(bundle):
    prepare_bundle(bundle.path, bundle.step([]))
    supervisors = [spawn_supervisor(bundle.path) for _ in range(4)]
    assert [child.wait(90) for child in supervisors] == [0, 0, 0, 0]
    assert bundle.finish().code == 0
    assert bundle.kinds() == ["started", "phase"]


def test_a_withheld_start_never_happens(bundle):
    assert supervise.withhold(bundle.path)
    assert not supervise.withhold(bundle.path)
    prepare_bundle(bundle.path, bundle.step([]))
    assert spawn_supervisor(bundle.path).wait(90) == 0
    assert supervise.probe(bundle.path) == supervise.Lost()
    assert bundle.events() == []


def test_work_is_carried_to_the_next_attempt(bundle, tmp_path):
    bundle.play([{"write": {"path": "work/checkpoint-1", "text": "half"}}, {"exit": 75}])
    supervise.carry_work(bundle.path, tmp_path / "second")
    assert (tmp_path / "second" / "work" / "checkpoint-1").read_text() == "half"


def test_a_link_in_the_outputs_fails_the_step(bundle):
    record = bundle.play([{"link": {"path": "outputs/model", "target": "/etc"}}])
    assert (record.code, record.reason, record.outputs) == (1, "SEAL_FAILED", None)
    assert "`model` is a symbolic link" in record.message


@pytest.mark.parametrize(
    ("code", "reason"),
    [(1, "FAILED"), (64, "NOT_UNDERSTOOD"), (69, "UNAVAILABLE"), (75, "TEMPORARY"), (78, "IMPOSSIBLE"), (3, "FAILED")],
)
def test_exit_codes_are_told_in_words(bundle, code, reason):
    record = bundle.play([{"say": "the last words"}, {"exit": code}])
    assert (record.code, record.reason, record.outputs) == (code, reason, None)
    assert record.message.endswith(": the last words")


def test_the_runner_explains_its_failure_best(bundle):
    record = bundle.play(
        [{"fail": {"reason": "NAN_LOSS", "message": "the loss is NaN", "help": "lower learning_rate"}}]
    )
    assert (record.code, record.reason) == (1, "NAN_LOSS")
    assert (record.message, record.help) == ("the loss is NaN", "lower learning_rate")


@pytest.mark.parametrize(("number", "reason"), [(signal.SIGSEGV, "CRASHED"), (signal.SIGKILL, "KILLED")])
def test_a_runner_that_dies_of_a_signal(bundle, number, reason):
    record = bundle.play([{"raise_signal": int(number)}])
    assert (record.code, record.signal, record.reason) == (128 + number, number, reason)


def test_running_out_of_memory_is_told(bundle):
    record = bundle.play([{"limit_memory": 300_000_000}, {"allocate": 400_000_000}])
    assert (record.code, record.reason) == (1, "OUT_OF_MEMORY")
    assert "smaller batch" in record.help


def test_a_foreign_runner_out_of_memory_is_told_too(bundle):
    code = "import resource; resource.setrlimit(resource.RLIMIT_AS, (10**8, 10**8)); bytearray(10**9)"
    record = bundle.play(command=python(code))
    assert (record.code, record.reason) == (1, "OUT_OF_MEMORY")
    assert record.message.startswith("MemoryError")


def test_a_service_that_ends_by_itself_has_failed(bundle):
    record = bundle.play([{"emit": {"kind": "ready", "address": "127.0.0.1:1"}}], service=True)
    assert (record.code, record.reason) == (1, "SERVICE_ENDED")


def test_a_cancelled_service_is_done_and_sealed(bundle):
    script = [{"write": {"path": "outputs/d.json", "text": "{}"}}, {"emit": {"kind": "ready"}}, {"sleep": 600}]
    bundle.launch(script, service=True)
    bundle.eventually(lambda: "ready" in bundle.kinds())
    supervise.request_cancel(bundle.path, "graceful", "replaced")
    record = bundle.finish()
    assert (record.code, record.reason, record.message) == (130, "CANCELLED", "replaced")
    assert record.outputs.files == 1
