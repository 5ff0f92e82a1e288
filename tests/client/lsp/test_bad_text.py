"""Strange texts at both doors: `tunewright check` and an editor say the same, and point at the same letters."""

import asyncio
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any
from unicodedata import east_asian_width

from editing.marked import SAMPLE, Desk
from editing.session import session
from lsprotocol import types

WRONG = SAMPLE.replace("data: rows", "data: roows")


@dataclass(frozen=True)
class Strange:
    """A text, the code that it gets first, and the letters that this points at (None: any)."""

    text: str
    code: str
    letters: str | None


def _before(words: str) -> str:
    """Return the sample with other words on the line of its mistake."""
    return SAMPLE.replace("{method: sft, data: rows", "{" + words + "method: sft, data: roows")


STRANGE = {
    "a byte order mark": Strange("\ufeff" + WRONG, "TW2001", "roows"),
    "windows line ends": Strange(WRONG.replace("\n", "\r\n"), "TW2001", "roows"),
    "both of them": Strange("\ufeff" + WRONG.replace("\n", "\r\n"), "TW2001", "roows"),
    "a tab before a comment": Strange(WRONG.replace("steps:\n", "steps:\t# here\n"), "TW2001", "roows"),
    "a tab for an indentation": Strange(SAMPLE.replace("  sft:\n", "\tsft:\n"), "TW0001", None),
    "emoji before": Strange(_before('system_prompt: "🦜🏽👨‍👩‍👧 hi", '), "TW2001", "roows"),
    "chinese before": Strange(_before('system_prompt: "你好，世界", '), "TW2001", "roows"),
    "accents that are put on": Strange(_before('system_prompt: "e\u0301e\u0301", '), "TW2001", "roows"),
    "an emoji that is wrong": Strange(SAMPLE.replace("data: rows", "data: '🦜oows'"), "TW1006", "'🦜oows'"),
    "a very long line": Strange(_before(f'system_prompt: "{"語" * 200_000}", '), "TW2001", "roows"),
    "a long line that is wrong": Strange(SAMPLE.replace("data: rows", f"data: {'x' * 200_000}"), "TW1006", None),
    "deep nesting": Strange(SAMPLE + "allow: " + "[" * 5_000 + "]" * 5_000 + "\n", "TW0005", None),
    "nothing yet": Strange("# to be written\n", "TW0012", None),
    "letters that are joined": Strange(_before('system_prompt: "می\u200cخواهم", '), "TW2001", "roows"),
    "a joiner inside a key": Strange(SAMPLE.replace("name: s", "na\u200dme: s"), "TW0011", "\u200d"),
    "an invisible character": Strange(SAMPLE.replace("name: s", "name: s\u200b"), "TW0011", "\u200b"),
    "a bell": Strange(SAMPLE.replace("name: s", "name: s\x07"), "TW0001", None),
}


def test_the_terminal_and_the_editor_agree(desk: Desk, tmp_path: Path) -> None:
    files = {name: desk.folder / f"{number}.life.yaml" for number, name in enumerate(STRANGE)}
    for name, file in files.items():
        file.write_bytes(STRANGE[name].text.encode())
    told = _at_a_terminal(tmp_path, list(files.values()))
    seen = asyncio.run(_in_an_editor(tmp_path, {file.as_uri(): STRANGE[name].text for name, file in files.items()}))
    for name, file in files.items():
        strange, findings, drawn = STRANGE[name], told[str(file)], seen[file.as_uri()]
        assert [item["code"] for item in findings] == [item.code for item in drawn], name
        assert findings[0]["code"] == strange.code, name
        for item, other in zip(findings, drawn, strict=True):
            begin, span = other.range.start, item["span"]
            # A terminal shows no byte order mark; an editor's first column is the mark's.
            shift = strange.text.startswith("\ufeff") and begin.line == 0
            assert (begin.line + 1, begin.character + 1 - shift) == (span["start_line"], span["start_column"]), name
        if strange.letters is not None:
            assert _letters(strange.text, drawn[0].range) == strange.letters, name


def test_the_arrow_stands_below_the_letters(desk: Desk, tmp_path: Path) -> None:
    for name in ("emoji before", "chinese before", "accents that are put on", "windows line ends", "a very long line"):
        file = desk.folder / "life.yaml"
        file.write_bytes(STRANGE[name].text.encode())
        lines = _run(tmp_path, "check", str(file)).stdout.decode().splitlines()
        above, arrow = next((line, below) for line, below in pairwise(lines) if "roows," in line)
        assert len(above) < 250, name
        assert _cells(above[: above.index("roows")]) == arrow.index("^"), name


def test_bytes_that_are_no_text_at_a_terminal(desk: Desk, tmp_path: Path) -> None:
    file = desk.folder / "life.yaml"
    file.write_bytes(SAMPLE.replace("sample", "caf\u00e9").encode("latin-1"))
    done = _run(tmp_path, "check", "--format", "concise", str(file))
    assert b"life.yaml:2:10: error[TW0010]: this is not UTF-8 text" in done.stdout
    assert (done.returncode, done.stderr) == (1, b"")


def _letters(text: str, place: types.Range) -> str:
    line = text.split("\n")[place.start.line].encode("utf-16-le")
    return line[2 * place.start.character : 2 * place.end.character].decode("utf-16-le")


def _cells(text: str) -> int:
    """Return how wide a text is on a terminal: put-on accents and joiners take no cell, wide letters take two."""
    return sum(0 if letter in "\u0301\u200d" else 2 if east_asian_width(letter) in "WF" else 1 for letter in text)


def _run(home: Path, *arguments: str) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        [sys.executable, "-P", "-m", "tunewright", *arguments],
        env={**os.environ, "TUNEWRIGHT_HOME": str(home), "TUNEWRIGHT_CACHE": str(home / "cache"), "NO_COLOR": "1"},
        capture_output=True,
        timeout=120,
        check=False,
    )


def _at_a_terminal(home: Path, files: list[Path]) -> dict[str, list[dict[str, Any]]]:
    done = _run(home, "check", "--json", *map(str, files))
    assert done.stderr == b""
    return {answer["path"]: answer["diagnostics"] for answer in json.loads(done.stdout)["specs"]}


async def _in_an_editor(home: Path, texts: dict[str, str]) -> dict[str, list[types.Diagnostic]]:
    async with session(home / "home") as editor:
        for uri, text in texts.items():
            editor.open(uri, text)
        return {uri: await editor.findings(uri) for uri in texts}
