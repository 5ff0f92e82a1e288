"""A spec held to a lock: nothing drifted, or one finding a thing that did."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tunewright.compiler.front import Compilation
from tunewright.compiler.ir.facts import EnvironmentFacts
from tunewright.spec.canonical import canonical_json
from tunewright.spec.source import SourceFile

Compile = Callable[..., Compilation]


def lock_of(compilation: Compilation) -> dict[str, Any]:
    assert compilation.plan is not None, [item.message for item in compilation.diagnostics]
    plain: dict[str, Any] = json.loads(json.dumps(compilation.plan.lock))
    return plain


def held(lock: Any) -> SourceFile:
    return SourceFile("life.lock", json.dumps(lock, indent=2, sort_keys=True))


def messages(compilation: Compilation) -> list[tuple[str, str]]:
    return [(item.code, item.message) for item in compilation.diagnostics]


@pytest.fixture
def folder(world: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(world, tmp_path / "world"))


def test_its_own_lock_holds_and_changes_no_byte(compile_overlay: Compile) -> None:
    free = compile_overlay('base: {model: "dir:chat-model"}')
    kept = compile_overlay('base: {model: "dir:chat-model"}', lock=held(lock_of(free)))
    assert messages(kept) == []
    assert kept.plan is not None
    assert free.plan is not None
    assert canonical_json(kept.plan.to_json()) == canonical_json(free.plan.to_json())


def test_a_model_folder_is_locked_file_by_file(compile_overlay: Compile, folder: Path) -> None:
    overlay = 'base: {model: "dir:chat-model"}'
    lock = lock_of(compile_overlay(overlay, base_directory=folder))
    files = lock["models"]["dir:chat-model"]["files"]
    assert sorted(files) == ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]
    assert all(digest.startswith("sha256:") for digest in files.values())
    (folder / "chat-model" / "tokenizer_config.json").write_text('{"chat_template": "{{ other }}"}')
    ((code, message),) = messages(compile_overlay(overlay, base_directory=folder, lock=held(lock)))
    assert code == "TW7201"
    assert "tokenizer_config.json sha256:" in message
    assert "config.json sha256:" not in message.replace("tokenizer_config.json", "")


def test_every_thing_that_drifted_is_one_finding(compile_overlay: Compile, folder: Path) -> None:
    """One of each: rows, suite, schema, variable, accepted warning, environment, compiler, defaults."""
    overlay = (
        "suites: {quiz: {metric: json_schema, json_schema: reply.schema.json}}\n"
        'description: "${env:TEAM}"\nallow: [{code: TW4008, reason: small but enough}]\n'
        'steps: {good: {gate: {require: "exam.quiz.json_schema >= 0.5"}}}'
    )
    options: dict[str, Any] = {"base_directory": folder, "variables": {"TEAM": "red"}}
    lock = lock_of(compile_overlay(overlay, **options))
    for name in ("rows.jsonl", "quiz.jsonl"):
        lines = (folder / name).read_text().splitlines(keepends=True)
        (folder / name).write_text("".join(lines[1:]))
    (folder / "reply.schema.json").write_text('{"type": "object"}')
    lock["compiler"], lock["defaults"] = "0.0.9", 0
    lock["allowed"]["TW9998"] = "was accepted once"
    lock["environments"]["train"] = "sha256:" + "0" * 64
    options["variables"] = {"TEAM": "blue"}
    compilation = compile_overlay(overlay, lock=held(lock), **options)
    found = dict.fromkeys(code for code, _ in messages(compilation))
    assert compilation.plan is None
    assert sorted(found) == ["TW7202", "TW7203", "TW7204", "TW8201", "TW8202"]
    texts = [message for _, message in messages(compilation)]
    for expected in (
        "data `rows` drifted: digest sha256:",
        "rows 48 -> 47",
        "suites `quiz` drifted",
        "files `reply.schema.json` drifted: sha256:",
        "variables `TEAM` drifted: red -> blue",
        "allowed `TW9998` is in the lock and not in the spec any more",
        "environments `train` drifted: sha256:000000000000 -> sha256:",
        "the compiler drifted: 0.0.9 -> ",
        "the defaults drifted: 0 -> ",
    ):
        assert any(expected in text for text in texts), (expected, texts)
    assert len(texts) == 8
    assert all(item.primary.span.source.name == "life.lock" for item in compilation.diagnostics)


def test_what_is_new_is_pointed_at_in_the_spec(compile_overlay: Compile) -> None:
    lock = lock_of(compile_overlay("{}"))
    changed = compile_overlay('base: {model: "dir:chat-model"}', lock=held(lock))
    assert [code for code, _ in messages(changed)] == ["TW7201", "TW7201"]
    places = {item.primary.span.source.name: item.primary.span.text for item in changed.diagnostics}
    assert places["life.yaml"] == "dir:chat-model"


def test_a_policy_is_part_of_what_is_held_to(compile_overlay: Compile) -> None:
    policy = SourceFile("policy.yaml", "api_version: tunewright/policy/v1\nname: bank\n")
    lock = lock_of(compile_overlay("{}", policy=policy))
    assert messages(compile_overlay("{}", policy=policy, lock=held(lock))) == []
    ((code, message),) = messages(compile_overlay("{}", lock=held(lock)))
    assert (code, message) == ("TW7204", "the policy is in the lock and not in the spec any more")


def test_settings_are_not_drift(compile_overlay: Compile) -> None:
    lock = lock_of(compile_overlay("{}"))
    changed = compile_overlay("steps: {align: {train: {beta: 0.3}}}", lock=held(lock))
    assert messages(changed) == []


def test_a_model_that_is_not_here_is_no_drift(compile_overlay: Compile) -> None:
    lock = lock_of(compile_overlay("{}"))
    (model,) = lock["models"].values()
    assert model["digest"] is None
    model.update(digest="sha256:" + "1" * 64, origin="folder")
    assert messages(compile_overlay("{}", lock=held(lock))) == []


@pytest.mark.parametrize(
    "text", ["[]", "{}", '{"lock_version": 2}', '{"lock_version": 1, "models": 3}', "{", "", "\x00"]
)
def test_what_is_no_lock_stops_the_compilation(compile_overlay: Compile, text: str) -> None:
    compilation = compile_overlay("{}", lock=SourceFile("life.lock", text))
    assert compilation.plan is None
    (item,) = compilation.diagnostics
    assert item.primary.span.source.name == "life.lock"
    assert item.code in {"TW7205", "TW0001", "TW0011", "TW0012", "TW1002"}


def test_environments_in_use_only(compile_overlay: Compile) -> None:
    lock = lock_of(compile_overlay("{}"))
    assert set(lock["environments"]) == {"train"}
    other = {"train": EnvironmentFacts(name="train", digest="sha256:" + "2" * 64, installed=True)}
    ((code, _),) = messages(compile_overlay("{}", lock=held(lock), environments=other))
    assert code == "TW8201"
