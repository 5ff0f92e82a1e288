"""Every row is looked at, every broken one is named by file and line, and an unchanged file is not read twice."""

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tunewright.compiler.collect.cache import FactCache
from tunewright.compiler.collect.data import collect_data, collect_suite
from tunewright.compiler.ir.facts import Facts
from tunewright.spec.canonical import digest_of_file


def write(path: Path, rows: Iterable[Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def messages(question: str, answer: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]}


def settle(path: Path) -> None:
    """Wait until the file's last change is old enough to be trusted."""
    deadline = time.monotonic() + 5
    while time.time_ns() - path.stat().st_ctime_ns < 30_000_000:
        assert time.monotonic() < deadline


def test_counts_detects_measures_and_hashes(tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", [messages("12345", "1234567890"), messages("1", "2"), messages("123", "4")])
    facts = collect_data(["file:a.jsonl"], None, tmp_path, cache=None)
    assert (facts.format, facts.rows, facts.columns, facts.problem_count) == ("messages", 3, ("messages",), 0)
    assert (facts.median_characters, facts.longest_characters, facts.total_characters) == (4, 15, 21)
    assert facts.digest == facts.files[0].digest == digest_of_file(file)


def test_names_every_broken_row_and_goes_on(tmp_path: Path) -> None:
    lines = [
        json.dumps(messages("q", "a")),
        "{",
        "[1]",
        "",
        json.dumps({"messages": []}),
        json.dumps(messages("q", "")),
    ]
    (tmp_path / "a.jsonl").write_bytes("\n".join(lines).encode() + b'\n{"messages": "\xff"}\n' + lines[0].encode())
    facts = collect_data(["a.jsonl"], None, tmp_path, cache=None)
    assert [(problem.file, problem.line) for problem in facts.problems] == [
        ("a.jsonl", line) for line in (2, 3, 5, 6, 7)
    ]
    assert "not JSON" in facts.problems[0].message
    assert "not UTF-8" in facts.problems[4].message
    assert facts.rows == 4


def test_keeps_twenty_problems_and_counts_all(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", [messages("q", "a")] * 57)
    facts = collect_data(["a.jsonl"], "preference", tmp_path, cache=None)
    assert (len(facts.problems), facts.problem_count, facts.rows) == (20, 57, 57)
    assert "`chosen` is missing" in facts.problems[0].message


def test_columns_of_no_known_format_are_a_problem(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", [{"question": "x", "reply": "y"}])
    facts = collect_data(["a.jsonl"], None, tmp_path, cache=None)
    assert facts.format is None
    assert "question, reply" in facts.problems[0].message


def test_a_folder_is_its_data_files_in_order(tmp_path: Path) -> None:
    folder = tmp_path / "d"
    folder.mkdir()
    write(folder / "b.jsonl", [{"text": "later"}])
    (folder / "a.csv").write_text("text\nfirst\n")
    (folder / "c.json").write_text(json.dumps([{"text": "last"}, {"text": ""}]))
    (folder / "README.md").write_text("no data")
    facts = collect_data(["dir:d"], None, tmp_path, cache=None)
    assert [file.written for file in facts.files] == ["d/a.csv", "d/b.jsonl", "d/c.json"]
    assert (facts.format, facts.rows) == ("text", 4)
    assert [(problem.file, problem.line) for problem in facts.problems] == [("d/c.json", 2)]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("file:no.jsonl", "does not exist"),
        ("file:*.jsonl", "patterns are not supported"),
        ("dir:empty", "holds no data files"),
        ("file:empty.jsonl", "holds no rows"),
        ("file:odd.xml", "unknown kind of data file"),
    ],
)
def test_says_what_is_wrong_with_a_source(source: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty.jsonl").write_text("\n\n")
    (tmp_path / "odd.xml").write_text("<a/>")
    facts = collect_data([source], None, tmp_path, cache=None)
    assert [problem.line for problem in facts.problems] == [None]
    assert message in facts.problems[0].message


def test_hub_data_is_not_looked_into(tmp_path: Path) -> None:
    assert collect_data(["hf://datasets/org/name"], None, tmp_path, cache=None).remote


def test_an_unchanged_file_is_not_read_again(tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", [messages("q", "a")] * 50)
    settle(file)
    cache = FactCache(tmp_path / "cache")
    first = collect_data(["a.jsonl"], None, tmp_path, cache=cache)
    accessed = file.stat().st_atime_ns
    os.utime(file, ns=(accessed, file.stat().st_mtime_ns))
    settle(file)
    assert collect_data(["a.jsonl"], None, tmp_path, cache=cache) == first
    (entry,) = (tmp_path / "cache" / "rows").iterdir()
    head, body = entry.read_bytes().split(b"\n")
    changed = json.dumps({**json.loads(body), "rows": 12345}).encode()
    checked = {**json.loads(head), "sha256": hashlib.sha256(changed).hexdigest()}
    entry.write_bytes(json.dumps(checked).encode() + b"\n" + changed)
    assert collect_data(["a.jsonl"], None, tmp_path, cache=cache).rows == 12345


def test_a_change_that_keeps_size_and_time_is_seen(tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", [messages("q", "a")])
    settle(file)
    cache = FactCache(tmp_path / "cache")
    first = collect_data(["a.jsonl"], None, tmp_path, cache=cache)
    times = file.stat()
    write(file, [messages("q", "b")])
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert collect_data(["a.jsonl"], None, tmp_path, cache=cache).digest != first.digest


def test_a_file_changed_a_moment_ago_is_not_remembered(tmp_path: Path) -> None:
    cache = FactCache(tmp_path / "cache")
    digests = set()
    for answer in "abcdefgh":
        write(tmp_path / "a.jsonl", [messages("q", answer)])
        digests.add(collect_data(["a.jsonl"], None, tmp_path, cache=cache).digest)
    assert len(digests) == 8


def damage_nothing(folder: Path) -> None:
    folder.mkdir()


def make_a_file_of_it(folder: Path) -> None:
    folder.write_text("not a folder")


def garble(folder: Path) -> None:
    (folder / "rows").mkdir(parents=True)


@pytest.mark.parametrize("prepare", [damage_nothing, make_a_file_of_it, garble])
def test_a_useless_cache_costs_nothing_but_time(prepare: Callable[[Path], None], tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", [messages("q", "a")])
    settle(file)
    prepare(tmp_path / "cache")
    cache = FactCache(tmp_path / "cache")
    for _ in range(2):
        assert collect_data(["a.jsonl"], None, tmp_path, cache=cache).rows == 1
        assert cache.damaged is (prepare is make_a_file_of_it)


DAMAGES = [b"\x00garbage", b"", b"{}", b"[]\n{}", b"{" * 5000, b'{"sha256": 1}\n{}', b'{"name": "x"}\n{"rows": 1}']


@pytest.mark.parametrize("content", DAMAGES, ids=range(len(DAMAGES)))
def test_a_damaged_memory_is_gathered_anew_and_said_once(content: bytes, tmp_path: Path) -> None:
    settle(write(tmp_path / "a.jsonl", [messages("q", "a")]))
    right = collect_data(["a.jsonl"], None, tmp_path, cache=FactCache(tmp_path / "cache"))
    (entry,) = (tmp_path / "cache" / "rows").iterdir()
    kept = entry.read_bytes()
    entry.write_bytes(content)
    for damaged in (True, False):
        cache = FactCache(tmp_path / "cache")
        assert collect_data(["a.jsonl"], None, tmp_path, cache=cache) == right
        assert cache.damaged is damaged
        assert entry.read_bytes() == kept


@given(place=st.integers(0, 10**6), flip=st.integers(1, 255))
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=60, deadline=None
)
def test_a_flipped_byte_is_never_believed(place: int, flip: int, tmp_path: Path) -> None:
    cache = FactCache(tmp_path / "cache")
    cache.put("rows", "name", [1, 2], {"rows": 3, "digest": "sha256:aa"})
    (entry,) = (tmp_path / "cache" / "rows").iterdir()
    content = bytearray(entry.read_bytes())
    content[place % len(content)] ^= flip
    entry.write_bytes(bytes(content))
    assert cache.get("rows", "name", [1, 2]) in (None, {"rows": 3, "digest": "sha256:aa"})


class Meddler:
    """Appends a row to a file while it is being read, in so many readings."""

    def __init__(self, file: Path, times: int) -> None:
        self.file, self.times, self.size = file, times, 0

    def __call__(self, written: str, done: int, whole: int) -> None:
        assert written == "a.jsonl"
        assert 0 < done <= whole
        if self.times and whole != self.size:  # once a reading: the next one finds a longer file
            self.times, self.size = self.times - 1, whole
            with self.file.open("a") as stream:
                stream.write(json.dumps(messages("late", "row")) + "\n")


@pytest.mark.parametrize("remembering", [True, False])
def test_a_file_that_changes_while_it_is_read_is_read_again(remembering: bool, tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", [messages("q", "a")] * 3)
    cache = FactCache(tmp_path / "cache") if remembering else None
    facts = collect_data(["a.jsonl"], None, tmp_path, cache=cache, progress=Meddler(file, 1))
    assert facts.problems == ()
    assert facts.rows == 4
    assert facts.digest == "sha256:" + hashlib.sha256(file.read_bytes()).hexdigest()


def test_a_file_that_keeps_changing_is_a_problem(tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", [messages("q", "a")] * 3)
    facts = collect_data(["a.jsonl"], None, tmp_path, cache=None, progress=Meddler(file, 99))
    (problem,) = facts.problems
    assert "changes while it is read" in problem.message
    assert facts.digest is None


CHOICE = {"question": "?", "choices": ["a", "b"], "answer": 1}


@pytest.mark.parametrize(
    ("metric", "row", "message"),
    [
        ("exact", {"prompt": "p", "expected": "e"}, None),
        ("exact", {"prompt": [{"role": "user", "content": "p"}], "expected": {"a": 1}}, None),
        ("exact", {"prompt": "p"}, "`expected` is missing"),
        ("json_schema", {"prompt": "p"}, None),
        ("exact", {"expected": "e"}, "`prompt` is missing"),
        ("exact", {"prompt": 3, "expected": "e"}, "`prompt` must be text"),
        ("multiple_choice", CHOICE, None),
        ("multiple_choice", {**CHOICE, "answer": 2}, "`answer` is 2"),
        ("multiple_choice", {**CHOICE, "answer": -1}, "`answer` is -1"),
        ("multiple_choice", {**CHOICE, "answer": "B"}, "`answer` must be the number"),
        ("multiple_choice", {**CHOICE, "choices": ["a"]}, "`choices` must be a list"),
        ("multiple_choice", {**CHOICE, "question": ""}, "`question` must be text"),
    ],
)
def test_suite_rows_have_what_the_metric_compares(
    metric: str, row: dict[str, Any], message: str | None, tmp_path: Path
) -> None:
    write(tmp_path / "s.jsonl", [row])
    facts = collect_suite("s.jsonl", metric, tmp_path, cache=None)
    assert facts.rows == 1
    assert [problem.message.startswith(message or "-") for problem in facts.problems] == ([True] if message else [])


def test_ids_of_a_suite_are_unique(tmp_path: Path) -> None:
    write(tmp_path / "s.jsonl", [{"id": name, "prompt": "p", "expected": "e"} for name in ("a", "b", "a")])
    (problem,) = collect_suite("s.jsonl", "exact", tmp_path, cache=None).problems
    assert (problem.line, problem.message) == (3, "`id` a was given to line 1 already")


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    content=st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")),
    suffix=st.sampled_from([".jsonl", ".json", ".csv", ".parquet"]),
    form=st.sampled_from([None, "messages", "preference", "kto", "text", "prompt_completion", "instruction"]),
)
def test_any_bytes_give_facts_that_have_a_digest(tmp_path: Path, content: bytes, suffix: str, form: str | None) -> None:
    path = tmp_path / f"any{suffix}"
    path.write_bytes(content)
    facts = collect_data([path.name], form, tmp_path, cache=None)
    assert Facts(data={"any": facts}).digest().startswith("sha256:")
    assert collect_suite(path.name, "exact", tmp_path, cache=None).rows >= 0


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just("\ud800"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
COLUMNS = ["messages", "prompt", "completion", "chosen", "rejected", "label", "text", "role", "content", "\ud800", "id"]


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    rows=st.lists(st.dictionaries(st.sampled_from(COLUMNS), VALUES | st.lists(st.dictionaries(
        st.sampled_from(["role", "content"]), VALUES)), max_size=5), max_size=4),
    metric=st.sampled_from(["exact", "multiple_choice"]),
)  # fmt: skip
def test_any_rows_give_facts_that_have_a_digest(tmp_path: Path, rows: list[dict[str, Any]], metric: str) -> None:
    write(tmp_path / "any.jsonl", rows)
    facts = collect_data(["any.jsonl"], None, tmp_path, cache=None)
    suite = collect_suite("any.jsonl", metric, tmp_path, cache=None)
    assert facts.rows == suite.rows == len(rows)
    assert Facts(data={"any": facts}, suites={"any": suite}).digest().startswith("sha256:")
