"""docs/queue.md says what the code does: its words, numbers and access file are looked up."""

import re
from pathlib import Path

from tunewright.daemon.access.file import read_access_file
from tunewright.daemon.queue.share import HALF_LIFE_MILLISECONDS
from tunewright.spec.priority import HIGHEST, LOWEST, PRIORITIES

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "queue.md").read_text("utf-8")


def test_priorities_and_half_life_are_those_of_the_code() -> None:
    told = {word: int(number) for word, number in re.findall(r"`(\w+)` \((-?\d+)\)", PAGE)}
    assert told == PRIORITIES
    assert f"any number from {LOWEST} to {HIGHEST}" in PAGE
    assert f"forgotten after {HALF_LIFE_MILLISECONDS // 3_600_000} hours" in PAGE


def test_its_access_file_is_sound(tmp_path: Path) -> None:
    (text,) = re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL)
    file = tmp_path / "access.yaml"
    file.write_text(text)
    site = read_access_file(file)
    assert site.weights == {"support": 2.0, "sales": 1.0}
    highest = site.limits.highest_priority
    assert (highest("somebody", ()), highest("ops@bank.example", ())) == (PRIORITIES["normal"], PRIORITIES["urgent"])


def test_words_of_the_log_and_the_variables_are_those_of_the_code() -> None:
    sources = "\n".join(path.read_text() for path in (ROOT / "daemon").rglob("*.py"))
    words = set(re.findall(r"`(step_\w+|[A-Z][A-Z_]+[A-Z])`", PAGE))
    assert words >= {"step_preempted", "step_waiting", "HARDWARE_MISSING", "RESERVED", "CUDA_VISIBLE_DEVICES"}
    told = set(re.findall(r'"([A-Z]+)", f?"', (ROOT / "daemon" / "queue" / "words.py").read_text()))
    assert told
    assert told <= words, "every reason is on the page"
    assert [word for word in words if f'"{word}"' not in sources] == []
