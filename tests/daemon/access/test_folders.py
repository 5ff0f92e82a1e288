"""Files of a spec: a caller from elsewhere reads in the folders of their project, and nowhere else."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.daemons import Daemon
from harness.sites import Site

from tunewright.client.api import Client
from tunewright.client.errors import RefusedError
from tunewright.client.values import SpecSource

SPEC = """\
api_version: tunewright/v1
name: sample
base: {model: "dir:%s"}
data: {rows: {source: "file:%s"}}
steps:
  sft: {train: {method: sft, data: rows}}
"""
ROW = json.dumps({"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "the secret"}]})


@pytest.fixture(scope="module")
def compiling(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site whose daemon has the real compiler."""
    folder = tmp_path_factory.mktemp("compiling")
    site = Site(folder, Daemon(folder / "home")).prepare()
    for project in ("support", "sales"):
        (folder / project / "rows.jsonl").write_text(ROW + "\n")
    (folder / "support" / "link.jsonl").symlink_to(folder / "sales" / "rows.jsonl")
    (folder / "support" / "tree").mkdir()
    (folder / "support" / "tree" / "rows.jsonl").symlink_to(folder / "sales" / "rows.jsonl")
    (folder / "policy.yaml").write_text("api_version: tunewright/policy/v1\nname: bank\n")
    site.daemon.start(
        "--access",
        str(site.access_file),
        "--policy",
        str(folder / "policy.yaml"),
        program=("-P", "-m", "tunewright.daemon"),
    )
    yield site
    site.clean_up()


@pytest.fixture(scope="module")
def anna(compiling: Site) -> Client:
    return compiling.as_(compiling.certificate("anna", "support:submitter"))


def source(site: Site, rows: str, *, folder: str = "support", model: str = "nowhere") -> SpecSource:
    return SpecSource(text=SPEC % (model, rows), base_directory=str(site.folder / folder))


def said(client: Client, spec: SpecSource) -> str:
    return "\n".join(f"{item.code} {item.message} {item.note} {item.help}" for item in client.check(spec))


def test_files_of_the_project_are_read(compiling: Site, anna: Client) -> None:
    found = said(anna, source(compiling, "rows.jsonl"))
    assert "rows.jsonl" not in found


@pytest.mark.parametrize(
    "rows", ["../sales/rows.jsonl", "{site}/sales/rows.jsonl", "link.jsonl", "tree", "/etc/passwd"]
)
def test_files_elsewhere_are_not(compiling: Site, anna: Client, rows: str) -> None:
    written = rows.format(site=compiling.folder)
    found = said(anna, source(compiling, written))
    assert "it lies outside of the project's folders" in found
    assert "the secret" not in found
    assert "root:" not in found


def test_what_is_not_there_reads_as_what_may_not_be_read(compiling: Site, anna: Client) -> None:
    there, gone = (said(anna, source(compiling, f"../sales/{name}.jsonl")) for name in ("rows", "gone"))
    assert there.replace("rows.jsonl", "X") == gone.replace("gone.jsonl", "X")


@pytest.mark.parametrize("model", ["{site}/sales", "../sales", "~nobody-here/../../sales"])
def test_models_elsewhere_are_not_read(compiling: Site, anna: Client, model: str) -> None:
    (compiling.folder / "support" / "~nobody-here").mkdir(exist_ok=True)
    found = said(anna, source(compiling, "rows.jsonl", model=model.format(site=compiling.folder)))
    assert "it lies outside of the project's folders" in found


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("image", "why"),
    [
        ("../sales/rows.jsonl", "it lies outside of the project's folders"),
        ("/etc/passwd", "it lies outside of the project's folders"),
        ("../sales/gone.png", "it lies outside of the project's folders"),
        ("link.jsonl", "it lies outside of the project's folders"),
        ("pipe.png", "`pipe.png` is no regular file"),
        ("circle.png", "can't be read"),
        ("a\0b.png", "can't be read"),
        ("x" * 70_000, "can't be read"),
    ],
)
def test_images_that_rows_name_are_held_to_the_same_folders(
    compiling: Site, anna: Client, image: str, why: str
) -> None:
    folder = compiling.folder / "support"
    if not (folder / "pipe.png").exists():
        os.mkfifo(folder / "pipe.png")
        (folder / "circle.png").symlink_to("circle.png")
    (folder / "pictures.jsonl").write_text(json.dumps({**json.loads(ROW), "images": [image]}) + "\n")
    assert why in said(anna, source(compiling, "pictures.jsonl"))


@pytest.mark.timeout(120)
def test_nothing_of_a_model_folder_is_read_where_a_file_of_it_leads_elsewhere(compiling: Site, anna: Client) -> None:
    (compiling.folder / "sales" / "config.json").write_text("not for anna")
    for name, put in (
        ("linked", lambda path: path.symlink_to(compiling.folder / "sales" / "config.json")),
        ("piped", os.mkfifo),
    ):
        model = compiling.folder / "support" / name
        model.mkdir()
        put(model / "config.json")
    assert "it lies outside of the project's folders" in said(anna, source(compiling, "rows.jsonl", model="linked"))
    assert "`config.json` is no regular file" in said(anna, source(compiling, "rows.jsonl", model="piped"))


@pytest.mark.parametrize("folder", ["sales", "", "support/../sales"])
def test_a_folder_of_another_project_is_refused(compiling: Site, anna: Client, folder: str) -> None:
    with pytest.raises(RefusedError) as caught:
        anna.check(source(compiling, "rows.jsonl", folder=folder))
    assert (caught.value.code, caught.value.reason) == ("permission_denied", "FOLDER_FORBIDDEN")
    assert caught.value.metadata["project"] == "support"


@pytest.mark.parametrize("folder", ["", "relative", "/srv\0/x", "/" + "x" * 5000])
def test_a_folder_that_is_none_is_refused(anna: Client, folder: str) -> None:
    with pytest.raises(RefusedError) as caught:
        anna.check(SpecSource(text="x", base_directory=folder))
    assert (caught.value.reason, caught.value.metadata["field"]) == ("FIELD_INVALID", "source.base_directory")


def test_a_project_without_folders_reads_nothing(compiling: Site, tmp_path: Path) -> None:
    client = compiling.as_(compiling.certificate("ben", "homeless:submitter"))
    with pytest.raises(RefusedError, match="in no folder of project homeless") as caught:
        client.check(SpecSource(text="x", base_directory=str(tmp_path)))
    assert caught.value.reason == "FOLDER_FORBIDDEN"


def test_the_daemons_own_user_reads_everywhere(compiling: Site) -> None:
    found = said(compiling.daemon.client, source(compiling, "../sales/rows.jsonl"))
    assert "outside" not in found


def test_the_daemons_policy_is_out_of_the_submitters_reach(compiling: Site, anna: Client) -> None:
    policy = compiling.folder / "policy.yaml"
    (compiling.folder / "support" / "policy.yaml").write_text("api_version: tunewright/policy/v1\nname: mine\n")
    policy.write_text("api_version: tunewright/policy/v1\nname: bank\nrequire: {approval_before_deploy: true}\n")
    text = SPEC % ("nowhere", "rows.jsonl") + "  serve: {deploy: {model: sft, engine: transformers}}\n"
    spec = SpecSource(text=text, base_directory=str(compiling.folder / "support"))
    assert "TW7108" in {item.code for item in anna.check(spec)}
