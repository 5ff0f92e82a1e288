"""The container file carries every package, and nothing of it runs as root or comes from a place that it names."""

import re
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
CONTAINER = ROOT / "deploy" / "container"
FILE = (CONTAINER / "Containerfile").read_text(encoding="utf-8")


def packages() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return set(project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"])


def test_every_package_is_copied_and_let_through() -> None:
    copied = {word for line in re.findall(r"^COPY (?!--)(.+) \S+$", FILE, re.M) for word in line.split()}
    assert packages() | {"src", "pyproject.toml", "constraints.txt", "README.md", "LICENSE"} == copied
    let_through = re.findall(r"^!(\S+)$", (ROOT / ".dockerignore").read_text(encoding="utf-8"), re.M)
    assert set(let_through) == copied


def test_it_ends_as_a_user_without_rights() -> None:
    assert re.findall(r"^USER (\S+)$", FILE, re.M) == ["10001:10001"]
    service = yaml.safe_load((CONTAINER / "compose.yaml").read_text(encoding="utf-8"))["services"]["tunewright"]
    assert service["cap_drop"] == ["ALL"]
    assert service["read_only"] is True
    assert "uid=10001,gid=10001" in str(service["tmpfs"])


def test_volumes_are_where_the_image_writes() -> None:
    variables = dict(re.findall(r"(TUNEWRIGHT_\w+)=(\S+)", FILE))
    assert f'VOLUME ["{variables["TUNEWRIGHT_HOME"]}", "{variables["TUNEWRIGHT_CACHE"]}"]' in FILE
    compose = yaml.safe_load((CONTAINER / "compose.yaml").read_text(encoding="utf-8"))
    places = {volume.split(":")[1] for volume in compose["services"]["tunewright"]["volumes"]}
    assert set(variables.values()) <= places


def test_no_registry_is_written_down() -> None:
    (base,) = re.findall(r"^ARG BASE=(\S+)$", FILE, re.M)
    assert "/" not in base
    assert ":" in base
    assert "latest" not in base
