"""Reading events and logs by offset: torn lines wait, broken lines are counted, repeated events are dropped."""

import json

from tunewright.daemon import supervise
from tunewright.runners.contract import MAX_EVENT_BYTES


def line(seq: int, **fields) -> str:
    return json.dumps({"seq": seq, "time": "t", "kind": "metric", **fields}) + "\n"


def write(bundle, text: str | bytes) -> None:
    bundle.path.mkdir(exist_ok=True)
    (bundle.path / "events.jsonl").open("ab").write(text if isinstance(text, bytes) else text.encode())


def test_a_torn_last_line_is_left_for_later(bundle):
    write(bundle, line(1) + line(2)[:10])
    events, offset = supervise.read_events(bundle.path, 0, 100)
    assert [event.seq for event in events] == [1]
    assert supervise.read_events(bundle.path, offset, 100) == ([], offset)
    write(bundle, line(2)[10:])
    events, offset = supervise.read_events(bundle.path, offset, 100)
    assert [event.seq for event in events] == [2]
    assert offset == len(line(1) + line(2))


def test_broken_lines_are_counted_and_told_once(bundle):
    junk = (
        b'not json\n\xff\xfe\n[]\n{"seq": true, "kind": "x"}\n{"seq": 0, "kind": "x"}\n{"seq": 3}\n'
        + b"[" * 50_000
        + b"\n"
    )
    write(bundle, line(1).encode() + junk + line(2).encode())
    events, _ = supervise.read_events(bundle.path, 0, 100)
    assert [event.seq for event in events] == [1, 2, 0]
    assert events[-1].kind == "warning"
    assert (events[-1].fields["code"], events[-1].fields["lines"]) == ("UNREADABLE_EVENTS", 7)


def test_lines_beyond_the_contract_are_skipped_with_bounded_memory(bundle):
    write(bundle, line(1, text="x" * MAX_EVENT_BYTES) + "y" * 3_000_000 + "\n" + line(2))
    seen, offset, reads = [], 0, 0
    while offset < (bundle.path / "events.jsonl").stat().st_size:
        events, offset = supervise.read_events(bundle.path, offset, 100)
        seen += [event.seq for event in events if event.seq]
        reads += 1
    assert (seen, reads) == ([2], 4)


def test_repeated_events_are_dropped(bundle):
    write(bundle, line(1) + line(2) + line(2) + line(1) + line(3))
    events, offset = supervise.read_events(bundle.path, 0, 100)
    assert [event.seq for event in events] == [1, 2, 3]
    write(bundle, line(3) + line(4))
    events, _ = supervise.read_events(bundle.path, offset, 100, after_sequence=3)
    assert [event.seq for event in events] == [4]


def test_pages_are_bounded_and_complete(bundle):
    write(bundle, "".join(line(seq, loss=seq / 2) for seq in range(1, 26)))
    seen, offset = [], 0
    while page := supervise.read_events(bundle.path, offset, 10)[0]:
        offset = supervise.read_events(bundle.path, offset, 10)[1]
        assert len(page) <= 10
        seen += [(event.seq, event.fields["loss"]) for event in page]
    assert seen == [(seq, seq / 2) for seq in range(1, 26)]


def test_events_carry_their_fields_and_unknown_kinds_pass(bundle):
    write(bundle, json.dumps({"seq": 1, "time": "t", "kind": "site.gpu", "watts": 300}) + "\n")
    (event,), _ = supervise.read_events(bundle.path, 0, 1)
    assert event == supervise.Event(seq=1, time="t", kind="site.gpu", fields={"watts": 300})


def test_logs_are_bytes(bundle):
    bundle.path.mkdir()
    (bundle.path / "stderr.log").write_bytes(b"\x00\xff\x1b]0;title\x07tail")
    assert supervise.read_log(bundle.path, "stderr", 0, 2) == (b"\x00\xff", 2)
    assert supervise.read_log(bundle.path, "stderr", 12, 100) == (b"tail", 16)
    assert supervise.read_log(bundle.path, "stderr", 16, 100) == (b"", 16)
