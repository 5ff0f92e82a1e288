"""Places that secrets come from: what each gives, to whom, and what it refuses."""

import json
import os
import sys
from pathlib import Path

import pytest

from tunewright.daemon.home import Home
from tunewright.daemon.secrets.provider import Held, SecretError
from tunewright.daemon.secrets.providers import Providers, providers_of
from tunewright.daemon.settings import SettingsFileError


@pytest.fixture
def home(tmp_path: Path) -> Home:
    found = Home(tmp_path / "home")
    found.create()
    return found


def places(home: Home, *written: str) -> Providers:
    (home.root / "secrets.yaml").write_text("providers:\n" + "".join(f"  - {item}\n" for item in written))
    return providers_of(home)


def names(held: tuple[Held, ...]) -> list[tuple[str, str]]:
    return [(item.name, item.provider) for item in held]


def test_home_keeps_projects_apart_and_needs_no_file(home: Home) -> None:
    found = providers_of(home)
    found.keeper.keep("default", "TOKEN", b"ours")
    found.keeper.keep("risk", "TOKEN", b"theirs")
    assert found.read("default", "TOKEN") == b"ours"
    assert found.read("risk", "TOKEN") == b"theirs"
    assert found.read("support", "TOKEN") is None
    assert found.held("support") == ()
    assert names(found.held("risk")) == [("TOKEN", "home")]
    assert found.keeper.remove("risk", "TOKEN")
    assert not found.keeper.remove("risk", "TOKEN")


def test_environment_gives_only_what_the_site_lists(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"HF_TOKEN": "one", "OTHER": "two", "TW_RISK_TEAM_KEY": "three", "TW_DEFAULT_KEY": "4"}.items():
        monkeypatch.setenv(name, value)
    found = places(home, "env: {names: [HF_TOKEN]}", "env: {prefix: 'TW_{project}_', projects: [default, risk-team]}")
    assert found.read("default", "HF_TOKEN") == b"one"
    assert found.read("default", "OTHER") is None
    assert found.read("risk-team", "HF_TOKEN") is None  # only `default` where no projects are named
    assert found.read("risk-team", "KEY") == b"three"
    assert found.read("default", "KEY") == b"4"
    assert names(found.held("risk-team")) == [("KEY", "env")]


@pytest.mark.parametrize(
    "written",
    [
        ("env: {prefix: 'TW_{project}_'}",),
        ("env: {prefix: 'TW_{project}_', projects: [risk, risk-eu]}",),
        ("env: {prefix: TW_}", "env: {prefix: 'TW_{project}_', projects: [risk]}"),
        ("env: {prefix: 'TW{project}', projects: [a, ab]}",),
        ("command: {argv: [vault, 'secret/{project}{name}']}",),
        ("command: {argv: [vault, 'secret/{name}x{project}']}",),
    ],
)
def test_places_where_a_name_could_lead_to_another_project_are_refused(home: Home, written: tuple[str, ...]) -> None:
    with pytest.raises(SettingsFileError, match="another project"):
        places(home, *written)


@pytest.mark.parametrize("name", ["../risk/TOKEN", "/etc/passwd", "-field", "", "A B", "{project}", "TOKEN\n", "."])
def test_what_is_no_name_is_asked_for_nowhere(home: Home, tmp_path: Path, name: str) -> None:
    mark = tmp_path / "asked"
    found = places(home, "home: {}", f"command: {{argv: [touch, {mark}, '{{project}}-{{name}}']}}")
    assert found.read("default", name) is None
    assert not mark.exists()


def test_file_that_others_can_read_is_refused_with_the_command_to_type(home: Home, tmp_path: Path) -> None:
    folder = tmp_path / "credentials"
    folder.mkdir()
    found = places(home, f"file: {{folder: {folder}}}")
    file = folder / "TOKEN"
    file.write_bytes(b"value\r\n")
    file.chmod(0o644)
    with pytest.raises(SecretError, match="mode 0644") as caught:
        found.read("default", "TOKEN")
    assert caught.value.help == f"chmod 600 {file}"
    for mode in (0o600, 0o400):
        file.chmod(mode)
        assert found.read("default", "TOKEN") == b"value"
    assert found.read("support", "TOKEN") is None
    assert names(found.held("default")) == [("TOKEN", "file")]
    if os.geteuid() == 0:
        # As systemd passes them on: root's, with an access list that shows as rights of the group.
        file.chmod(0o440)
        assert found.read("default", "TOKEN") == b"value"
        os.chown(file, 12345, 0)
        with pytest.raises(SecretError, match="belongs to user 12345"):
            found.read("default", "TOKEN")


def test_credentials_folder_of_systemd_is_found_by_its_variable(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    written = 'file: {folder: "${env:CREDENTIALS_DIRECTORY}", projects: [risk]}'
    with pytest.raises(SettingsFileError, match="the daemon has no variable CREDENTIALS_DIRECTORY"):
        places(home, written)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    (tmp_path / "TOKEN").write_text("v")
    (tmp_path / "TOKEN").chmod(0o400)
    found = places(home, written)
    assert found.read("risk", "TOKEN") == b"v"
    assert found.read("default", "TOKEN") is None


def test_encrypted_store_opens_with_its_key_only(home: Home, tmp_path: Path) -> None:
    key = tmp_path / "keys" / "secrets.key"
    found = places(home, f"encrypted: {{key_file: {key}}}")
    found.keeper.keep("default", "TOKEN", b"the value")
    found.keeper.keep("risk", "TOKEN", b"the value")
    store = home.root / "secrets.sealed"
    assert b"the value" not in store.read_bytes()
    assert found.read("default", "TOKEN") == b"the value"
    assert names(found.held("risk")) == [("TOKEN", "encrypted")]
    entries = json.loads(store.read_text())["entries"]
    assert entries["default/TOKEN"]["nonce"] != entries["risk/TOKEN"]["nonce"]

    # Moved to another project it is nobody's: the place is part of what is sealed.
    moved = {"version": 1, "entries": {"support/TOKEN": entries["risk/TOKEN"]}}
    good = store.read_text()
    store.write_text(json.dumps(moved))
    with pytest.raises(SecretError, match="was changed, or is another one's"):
        found.read("support", "TOKEN")
    store.write_text(good)

    held = key.read_bytes()
    key.unlink()
    for act in (lambda: found.read("default", "TOKEN"), lambda: found.keeper.keep("default", "NEW", b"x")):
        with pytest.raises(SecretError, match=r"the key that .* was sealed with is not in"):
            act()
    key.write_bytes(held)
    key.chmod(0o644)
    with pytest.raises(SecretError, match="others can read"):
        found.read("default", "TOKEN")


@pytest.mark.parametrize("dies_at", ["first write", "store", "second write", ""])
def test_key_is_rotated_and_a_crash_on_the_way_loses_nothing(
    home: Home, tmp_path: Path, dies_at: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tunewright.daemon.secrets import encrypted

    key = tmp_path / "secrets.key"
    found = places(home, f"encrypted: {{key_file: {key}}}")
    found.keeper.keep("default", "TOKEN", b"the value")
    before, writes = key.read_bytes(), ["first write", "store", "second write"]
    write_keys, write_private = encrypted.write_keys, encrypted.write_private

    def dying(inner: object) -> object:
        def outer(*arguments: object) -> None:
            if writes.pop(0) == dies_at:
                raise KeyboardInterrupt
            inner(*arguments)  # type: ignore[operator]

        return outer

    monkeypatch.setattr(encrypted, "write_keys", dying(write_keys))
    monkeypatch.setattr(encrypted, "write_private", dying(write_private))
    if dies_at:
        with pytest.raises(KeyboardInterrupt):
            found.encrypted.rotate()
    else:
        assert found.encrypted.rotate() == 1
        assert key.read_bytes() != before
        assert len(key.read_text().splitlines()) == 1
    monkeypatch.undo()
    assert found.read("default", "TOKEN") == b"the value"
    assert found.encrypted.rotate() == 1
    assert found.read("default", "TOKEN") == b"the value"


def test_key_file_in_the_home_is_refused(home: Home) -> None:
    with pytest.raises(SettingsFileError, match="must not lie in the home"):
        places(home, f"encrypted: {{key_file: {home.root / 'key'}}}")


def asked(code: str, **more: object) -> str:
    settings = "".join(f", {name}: {json.dumps(value)}" for name, value in more.items())
    return f"command: {{argv: {json.dumps([sys.executable, '-S', '-c', code, '{project}/{name}'])}{settings}}}"


def test_command_is_asked_without_a_shell_and_answers_the_value(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAULT_ADDR", "here")
    monkeypatch.setenv("OTHER", "there")
    code = "import os, sys; print(sys.argv[1], os.environ.get('VAULT_ADDR'), os.environ.get('OTHER'))"
    found = places(home, asked(code, environment=["VAULT_ADDR"]))
    assert found.read("risk", "TOKEN") == b"risk/TOKEN here None"
    assert found.held("risk") == ()


@pytest.mark.parametrize(
    ("code", "more", "words"),
    [
        ("import sys; print('v'); sys.exit('v: permission denied')", {}, r"ended with 1 .* \*\*\*: permission denied"),
        ("import time; time.sleep(60)", {"timeout_seconds": 0.3}, "has not answered within 0.3 s"),
        ("print('x' * 70_000)", {}, "more than 65536 bytes"),
    ],
)
def test_command_that_gives_no_value_says_why(home: Home, code: str, more: dict[str, object], words: str) -> None:
    with pytest.raises(SecretError, match=words):
        places(home, asked(code, **more)).read("default", "TOKEN")


def test_places_are_asked_in_their_order(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("B", "from the environment")
    found = places(home, asked("import sys; sys.exit(2)", absent_codes=[2]), "home: {}", "env: {names: [A, B]}")
    found.keeper.keep("default", "A", b"from the home")
    monkeypatch.setenv("A", "from the environment")
    assert found.read("default", "A") == b"from the home"
    assert found.read("default", "B") == b"from the environment"
    assert found.read("default", "C") is None
    assert names(found.held("default")) == [("A", "home"), ("B", "env")]


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("{}", "each of `providers` must be one of home, env, file, encrypted, command"),
        ("home: {}\n    env: {names: [A]}", "must be one of"),
        ("file: {folder: relative}", "`relative` is no absolute path"),
        ("file: {foldr: /x}", r"secrets.yaml:2:\d+: unknown key `foldr`"),
        ("vault: {}", r"secrets.yaml:2:\d+: "),
    ],
)
def test_file_that_is_wrong_is_refused_with_its_place(home: Home, written: str, words: str) -> None:
    with pytest.raises(SettingsFileError, match=words):
        places(home, written)


def test_nothing_to_write_to_is_said(home: Home) -> None:
    found = places(home, "env: {names: [A]}")
    with pytest.raises(SecretError, match="secrets come from env here, where Tunewright does not write"):
        _ = found.keeper
    with pytest.raises(SecretError, match="no encrypted store is set up here"):
        _ = found.encrypted
