"""How secrets reach a runner: a folder in memory that is for it alone, and that goes with the attempt."""

import json
import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from harness.daemons import Daemon, eventually, source_of
from harness.plans import a_plan, a_shell_step

from tunewright.compiler.ir.plan import StepInput, Supervision
from tunewright.daemon.filesystem import file_system_type
from tunewright.daemon.home import Home
from tunewright.daemon.secrets import delivery as places
from tunewright.daemon.secrets.delivery import Delivery
from tunewright.daemon.secrets.folder import home_provider
from tunewright.daemon.secrets.provider import SecretError
from tunewright.daemon.secrets.providers import Providers
from tunewright.runners.supervision.record import read_processes


@pytest.fixture
def delivery(tmp_path: Path) -> Iterator[Delivery]:
    home = Home(tmp_path / "home")
    home.create()
    provider = home_provider(home)
    provider.keep("default", "TOKEN", b"a secret value")
    found = Delivery(home, Providers((provider,)))
    yield found
    found.sweep()
    assert found.folders() == []


def bundle_for(delivery: Delivery, folder: Path) -> Path:
    """Return the bundle of an attempt that was given what lies in a folder."""
    bundle = delivery.home.bundle("run", "step", 1)
    bundle.mkdir(parents=True, exist_ok=True)
    (bundle / "step.json").write_text(json.dumps({"secrets": str(folder)}))
    return bundle


def test_it_is_in_memory_and_asked_for_anew(delivery: Delivery) -> None:
    bundle = delivery.home.bundle("run", "step", 1)
    first = delivery.deliver(bundle, "default", ["TOKEN"])
    assert first.in_memory
    assert file_system_type(first.folder) == "tmpfs"
    assert (first.folder / "TOKEN").read_bytes() == b"a secret value"
    delivery.providers.keeper.keep("default", "TOKEN", b"a newer value")
    again = delivery.deliver(bundle, "default", ["TOKEN"])
    assert again == first
    assert (again.folder / "TOKEN").read_bytes() == b"a newer value"
    with pytest.raises(SecretError, match="there is no secret TOKEN") as caught:
        delivery.deliver(bundle, "risk", ["TOKEN"])
    assert "tunewright secret set TOKEN --project risk" in caught.value.help


def test_what_an_attempt_wrote_is_cleaned_before_its_secrets_go(delivery: Delivery) -> None:
    made = delivery.deliver(delivery.home.bundle("run", "step", 1), "default", ["TOKEN"])
    bundle = bundle_for(delivery, made.folder)
    (bundle / "events.jsonl").write_text('{"seq": 1, "message": "a secret value"}\n')
    delivery.clear(bundle)
    assert (bundle / "events.jsonl").read_text() == '{"seq": 1, "message": "**************"}\n'
    assert not made.folder.exists()
    delivery.clear(bundle)


def test_what_was_given_to_an_attempt_that_never_began_is_found(delivery: Delivery) -> None:
    bundle = delivery.home.bundle("run", "step", 1)
    made = delivery.deliver(bundle, "default", ["TOKEN"])
    delivery.clear(bundle)
    assert not made.folder.exists()


def test_no_other_folder_can_be_cleared(delivery: Delivery, tmp_path: Path) -> None:
    """A runner may write anything into its step.json."""
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").touch()
    other = delivery.deliver(delivery.home.bundle("run", "other", 1), "default", ["TOKEN"])
    for folder in (precious, other.folder, tmp_path / "missing"):
        delivery.clear(bundle_for(delivery, folder))
    assert (precious / "file").exists()
    assert (other.folder / "TOKEN").exists()


def test_without_a_place_in_memory_it_lies_in_the_home_and_says_so(
    delivery: Delivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "_IN_MEMORY", frozenset())
    made = delivery.deliver(delivery.home.bundle("run", "step", 1), "default", ["TOKEN"])
    assert not made.in_memory
    assert made.folder.is_relative_to(delivery.home.root)
    assert made.folder.parent.stat().st_mode & 0o077 == 0
    assert delivery.folders() == [made.folder]


def test_a_place_that_others_can_open_is_not_used(
    delivery: Delivery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = Path("/dev/shm") / f"tunewright-test-{os.getpid()}"
    (shared / f"tunewright-{os.geteuid()}").mkdir(parents=True)
    (shared / f"tunewright-{os.geteuid()}").chmod(0o755)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(shared))
    try:
        made = delivery.deliver(delivery.home.bundle("run", "step", 1), "default", ["TOKEN"])
        assert not made.folder.is_relative_to(shared)
    finally:
        (shared / f"tunewright-{os.geteuid()}").rmdir()
        shared.rmdir()


def test_service_that_starts_again_has_the_new_value(daemon: Daemon) -> None:
    provider = home_provider(Home(daemon.home))
    provider.keep("default", "KEY", b"the first value")
    told = """wc -c < "$(sed -n 's/.*"secrets": "\\(.*\\)".*/\\1/p' ../step.json)/KEY" > size; """
    ready = (
        """printf '{"seq": 1, "time": "t", "kind": "ready", "address": "http://127.0.0.1:9"}\\n' >> ../events.jsonl; """
    )
    step = a_shell_step("chat", told + ready + "sleep 600", service=True)
    quick = Supervision(
        address=None,
        health_path="/health",
        interval_seconds=600.0,
        failures=2,
        restarts=2,
        pause_seconds=0.1,
        stable_seconds=600.0,
    )
    step = replace(step, supervision=quick, inputs={"secret.api_key": StepInput(role="secret", path="KEY")})
    run = daemon.finish(daemon.submit(a_plan(step)).run.id)
    sizes = [daemon.bundle(run.id, "chat", number) / "work" / "size" for number in (1, 2)]
    assert int(eventually(sizes[0].read_text)) == len(b"the first value")
    provider.keep("default", "KEY", b"another value of another length")
    _, runner = eventually(lambda: all(found := read_processes(daemon.bundle(run.id, "chat", 1))) and found)
    os.kill(runner.pid, 9)
    assert int(eventually(lambda: sizes[1].exists() and sizes[1].read_text())) == len(
        b"another value of another length"
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to somebody else")
def test_what_others_put_in_our_place_is_neither_read_nor_cleared(delivery: Delivery) -> None:
    made = delivery.deliver(delivery.home.bundle("run", "step", 1), "default", ["TOKEN"])
    place = made.folder.parent
    os.chown(place, 12_345, 12_345)
    assert delivery.folders() == []
    delivery.sweep()
    assert made.folder.exists()
    os.chown(place, os.geteuid(), os.getegid())


def test_a_place_that_hangs_holds_up_nobody_who_needs_no_secret(stopped_daemon: Daemon) -> None:
    stopped_daemon.home.mkdir(exist_ok=True)
    settings = "providers:\n  - command: {argv: [sleep, '8'], timeout_seconds: 5}\n"
    (stopped_daemon.home / "secrets.yaml").write_text(settings)
    daemon = stopped_daemon.start()
    needy = a_shell_step("needy", "true")
    plan = a_plan(replace(needy, inputs={"token": StepInput(role="secret", path="TOKEN")}), name="needy")
    with ThreadPoolExecutor(12) as pool:
        clients = [daemon.client for _ in range(12)]
        asked = [pool.submit(client.create_run, source_of(plan), validate_only=True) for client in clients]
        eventually(lambda: sum("sleep" in line for line in children_of(daemon.pid)) >= 4)
        run = daemon.submit(a_plan(a_shell_step("one", "true"), name="free")).run.id
        eventually(lambda: daemon.client.get_run(run).run.state == "succeeded", 4.0)
        for client in clients:
            client.close()
        assert all(item.exception() is not None for item in asked)


def children_of(pid: int) -> list[str]:
    found = subprocess.run(["ps", "--ppid", str(pid), "-o", "args="], capture_output=True, text=True, check=False)
    return found.stdout.splitlines()
