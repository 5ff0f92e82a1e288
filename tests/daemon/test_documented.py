"""What the daemon says is documented: every kind of event is in docs/request-lifecycle.md, and no other."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_event_kinds_are_documented() -> None:
    sources = "\n".join(path.read_text() for path in (ROOT / "daemon").rglob("*.py"))
    written = set(re.findall(r'(?:Entry\(kind=|_entry\(\w+, |_log\(connection, alert, )"(\w+)"', sources))
    written |= {
        "deployment_stopping",
        "deployment_stopped",
        "deployment_failed",
        "deployment_restarting",
        "deployment_live",
    }
    page = (ROOT / "docs" / "request-lifecycle.md").read_text()
    documented = set(re.findall(r"^\| `(\w+)` \|", page, flags=re.MULTILINE))
    assert written == documented


def test_files_named_in_the_page_exist() -> None:
    page = (ROOT / "docs" / "request-lifecycle.md").read_text()
    for name in re.findall(r"`(engine/\w+\.py)`", page):
        assert (ROOT / "daemon" / name).is_file(), name
