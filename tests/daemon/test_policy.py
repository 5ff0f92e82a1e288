"""The daemon holds specs to its own policy, whatever the client's environment says."""

from dataclasses import replace
from pathlib import Path

import pytest
from harness.daemons import Daemon
from harness.plans import a_plan, a_step

from tunewright.compiler.ir.plan import seal
from tunewright.daemon.compile import Submitted, compile_with
from tunewright.daemon.errors import RefusedError

SPEC = """\
api_version: tunewright/v1
name: sample
base: {model: "hf://Qwen/Qwen2.5-0.5B-Instruct@7ae557604adf67be50417f59c2c2f167def9a775"}
data: {rows: {source: "hf://datasets/some/rows"}}
steps:
  sft: {train: {method: sft, data: rows}}
allow: [{code: TW2019, reason: our mirror pins it}]
"""


@pytest.fixture
def submitted(tmp_path: Path) -> Submitted:
    return Submitted(text=SPEC, path="life.yaml", base_directory=tmp_path, profile=None, sets=())


def test_the_policy_in_the_home_decides(tmp_path: Path, submitted: Submitted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TUNEWRIGHT_POLICY", raising=False)
    home = tmp_path / "home"
    home.mkdir()
    compile_spec = compile_with(home, tmp_path / "environments")
    free = {item.code for item in compile_spec(submitted).diagnostics}
    policy = home / "policy.yaml"
    policy.write_text("api_version: tunewright/policy/v1\nname: bank\nforbid: {unpinned_sources: true, hubs: [ms]}\n")
    held = compile_spec(submitted)
    assert held.plan is None
    assert {item.code for item in held.diagnostics} - free == {"TW7102"}
    policy.write_text("api_version: tunewright/policy/v1\nname: bank\nforbid: {hub: [ms]}\n")
    assert compile_spec(submitted).plan is None


def test_the_policys_digest_stands_in_the_run(daemon: Daemon) -> None:
    plan = a_plan(a_step("one"))
    held = seal(replace(plan, lock={"policy": {"name": "bank", "digest": "sha256:ab"}}))
    run = daemon.submit(held).run
    assert run.policy_digest == "sha256:ab"
    assert daemon.events(run.id)[0].body["policy_digest"] == "sha256:ab"
    assert daemon.submit(plan).run.policy_digest == ""


def test_the_policy_that_the_daemon_was_started_with_comes_first(tmp_path: Path, submitted: Submitted) -> None:
    chosen = tmp_path / "chosen.yaml"
    chosen.write_text("api_version: tunewright/policy/v1\nname: bank\nforbid: {unpinned_sources: true}\n")
    home = tmp_path / "home"
    home.mkdir()
    (home / "policy.yaml").write_text("api_version: tunewright/policy/v1\nname: lax\n")
    compiled = compile_with(home, tmp_path / "environments", chosen)(submitted)
    assert "TW7102" in {item.code for item in compiled.diagnostics}
    chosen.unlink()
    with pytest.raises(RefusedError, match="there is no policy"):
        compile_with(home, tmp_path / "environments", chosen)(submitted)


def test_without_its_policy_nothing_is_compiled(
    tmp_path: Path, submitted: Submitted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUNEWRIGHT_POLICY", str(tmp_path / "gone.yaml"))
    with pytest.raises(RefusedError, match="there is no policy") as refused:
        compile_with(tmp_path, tmp_path / "environments")(submitted)
    assert refused.value.reason == "POLICY_UNREADABLE"
