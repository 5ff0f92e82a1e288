"""Garbage, holds and backups from the desk."""

import json
from pathlib import Path

from scripted.desk import Desk


def test_garbage_is_named_before_it_goes_and_holds_keep_it(served: Desk, tmp_path: Path) -> None:
    assert served.run("run").code == 0
    assert served.run("gc", "--dry-run").out.strip() == "nothing: everything is kept"
    (served.home / "retention.yaml").write_text("artifacts_days: 0\nlogs_days: 0\nkeep_last: 0\n")
    planned = served.run("gc", "--dry-run", "--json")
    found = json.loads(planned.out)
    assert found["retention"] == {"artifacts_days": 0, "checkpoints_days": 7, "logs_days": 0, "keep_last": 0}
    assert found["count"] == len(found["garbage"]) > 3
    digest = next(item["subject"] for item in found["garbage"] if item["kind"] == "artifact").partition("/")[2]

    held = served.run("hold", "add", digest[:12], "--reason", "case 17")
    assert f"held: artifacts/{digest} (case 17)" in held.err
    listed = served.run("hold", "list").out
    assert digest[:8] in listed
    assert "case 17" in listed
    gone = served.run("gc")
    assert gone.code == 0
    assert f"{found['count'] - 1} things" in gone.err
    assert "have gone" in gone.err
    kept = json.loads(served.run("artifacts", "--json").out)["artifacts"]
    assert [item["digest"].partition(":")[2] for item in kept if item["intact"]] == [digest]

    assert served.run("hold", "release", digest[:12], "--reason", "closed").code == 0
    assert json.loads(served.run("hold", "list", "--json").out) == {"holds": []}
    assert "closed" in served.run("hold", "list", "--released").out
    again = served.run("hold", "release", digest[:12], "--reason", "closed")
    assert again.code == 3
    assert "nobody holds" in again.err


def test_backup_is_made_from_the_desk_and_read_again(served: Desk, tmp_path: Path) -> None:
    assert served.run("run").code == 0
    folder = tmp_path / "kept"
    made = served.run("daemon", "--home", str(served.home), "backup", str(folder))
    assert made.code == 0, made.err
    assert "read again and whole" in made.out
    assert served.run("daemon", "restore", "--verify", str(folder)).code == 0
    twice = served.run("daemon", "--home", str(served.home), "backup", str(folder))
    assert twice.code == 1
    assert "exists already" in twice.err
