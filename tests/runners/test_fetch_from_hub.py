"""fetch.model from a hub: a loopback server with the hub's paths asks for a token and gives a pinned revision."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tunewright.runners import contract
from tunewright.spec.canonical import digest_of_file

if (_HUBS := str(Path(__file__).parents[1] / "hub")) not in sys.path:
    sys.path.append(_HUBS)

from loopback_hub import COMMIT, NAME, Hub, serving  # noqa: E402 - found only now

pytestmark = pytest.mark.train

TOKEN = "hf_only_for_this_test"
_NEEDED = {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"}


@pytest.fixture
def hub(tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    monkeypatch.setenv("TUNEWRIGHT_CACHE", str(tmp_path / "cache"))
    with serving(Hub({COMMIT: tiny_folder}, token=TOKEN)) as hub:
        yield hub


def fetch(
    bench: Any,
    name: str,
    hub: Hub,
    inputs: dict[str, Path],
    monkeypatch: pytest.MonkeyPatch,
    parameters: dict[str, Any] | None = None,
) -> Any:
    monkeypatch.setenv("HF_ENDPOINT", hub.address)
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    monkeypatch.setenv("HF_HUB_DISABLE_XET", "1")
    bundle = bench.bundle(name, "fetch.model", inputs, parameters or {"source": f"hf://{NAME}@{COMMIT}"})
    return bundle, bench.run("fetch_model", bundle)


def test_model_of_a_pinned_revision_is_fetched_with_the_secret_token(
    bench: Any, hub: Hub, tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = tmp_path / "HUB"
    token.write_text(TOKEN + "\n", encoding="utf-8")

    bundle, finished = fetch(bench, "hub", hub, {"secret.token": token}, monkeypatch)

    assert finished.code == contract.ExitCode.OK, finished.stderr
    weights = "model.safetensors"
    assert digest_of_file(bundle / "outputs" / weights) == digest_of_file(tiny_folder / weights)
    assert any(COMMIT in path for path, _ in hub.asked)
    assert TOKEN not in (bundle / "events.jsonl").read_text(encoding="utf-8") + finished.stderr


def test_model_that_asks_for_a_token_is_denied_without_one(
    bench: Any, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, finished = fetch(bench, "denied", hub, {}, monkeypatch)

    assert finished.failure["reason"] == "MODEL_DENIED"
    assert "access token" in finished.failure["help"]
    assert "Traceback" not in finished.stderr


def test_the_locked_revision_is_fetched_and_held_to_the_locked_digests(
    bench: Any, hub: Hub, tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The source names a branch, the plan a commit: what arrives is that commit, and each file what was locked."""
    token = tmp_path / "HUB"
    token.write_text(TOKEN, encoding="utf-8")
    pins = {path.name: digest_of_file(path) for path in tiny_folder.iterdir()}
    left_out = next(name for name in sorted(pins) if name not in _NEEDED)
    pinned = {"source": f"hf://{NAME}", "revision": COMMIT, "files": {**pins}}
    del pinned["files"][left_out]

    bundle, finished = fetch(bench, "pinned", hub, {"secret.token": token}, monkeypatch, pinned)

    assert finished.code == contract.ExitCode.OK, finished.stderr
    assert {path.name for path in (bundle / "outputs").iterdir()} == set(pins) - {left_out}
    assert not any("/main" in path for path, _ in hub.asked)

    damaged = next((tmp_path / "cache" / "hub").glob("models--*/snapshots/*/tokenizer.json"))
    damaged.resolve().write_text("{}", encoding="utf-8")
    _, finished = fetch(bench, "mended", hub, {"secret.token": token}, monkeypatch, pinned)
    assert finished.code == contract.ExitCode.OK, "what was damaged is fetched anew"
    assert [event["code"] for event in finished.of("warning")][:1] == ["cache-damaged"]

    for wrong, said in (
        (
            {"config.json": "sha256:" + "0" * 64},
            f"config.json is {pins['config.json'][:19]}, and should be sha256:0000",
        ),
        ({"gone.json": "sha256:" + "1" * 64}, "gone.json is missing"),
    ):
        asked = {**pinned, "files": {**pinned["files"], **wrong}}
        _, finished = fetch(bench, f"drifted-{next(iter(wrong))}", hub, {"secret.token": token}, monkeypatch, asked)
        assert finished.code == contract.ExitCode.FAILED
        assert finished.failure["reason"] == "MODEL_DRIFTED"
        assert said in finished.failure["message"]
        assert not finished.of("sample"), "it is never read before it is held to the lock"
