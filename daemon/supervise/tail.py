"""Read what an attempt writes, by byte offsets that the daemon keeps: nothing is read twice, nothing is missed."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from tunewright.daemon.supervise.masking import redactor_for
from tunewright.runners import contract
from tunewright.runners.supervision.event_lines import read_line
from tunewright.runners.supervision.plain_files import NotPlainError, open_plain

_BLOCK_BYTES = 1024 * 1024
#: What a store and other languages can count to.
_MOST_EVENTS = 2**53 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One line of events.jsonl. `seq` is the runner's own count from 1; 0 marks what the reader itself has to say."""

    seq: int
    time: str
    kind: str
    fields: Mapping[str, Any] = field(default_factory=dict)


def read_events(bundle: Path, offset: int, limit: int, *, after_sequence: int = 0) -> tuple[list[Event], int]:
    """Return at most `limit` whole events from a byte offset, and the offset to go on at.

    A torn last line is left for later. Events up to `after_sequence` are dropped: a resumed runner may repeat them.
    Lines that are not events are skipped and told once a call, as a warning event with `seq` 0. Secrets of the attempt
    are made unreadable.
    """
    redactor = redactor_for(bundle)
    block = _read(bundle / contract.EVENTS, offset, _BLOCK_BYTES)
    if redactor is not None:
        block = redactor.blotted(block)
    events: list[Event] = []
    position = bad_lines = 0
    while len(events) < limit and (end := block.find(b"\n", position)) >= 0:
        event = _parse(block[position:end])
        position = end + 1
        if event is None:
            bad_lines += 1
        elif event.seq > after_sequence:
            after_sequence = event.seq
            events.append(event)
    if position == 0 and len(block) == _BLOCK_BYTES:  # longer than any line of the contract: skip it piece by piece
        position, bad_lines = len(block), 1
    if bad_lines:
        events.append(_unreadable(bad_lines))
    return events, offset + position


def read_log(bundle: Path, stream: Literal["stdout", "stderr"], offset: int, limit: int) -> tuple[bytes, int]:
    """Return at most `limit` bytes of a log from an offset, as the runner wrote them, and the offset to go on at."""
    block = _read(bundle / (contract.STDOUT if stream == "stdout" else contract.STDERR), offset, limit)
    return block, offset + len(block)


def _read(path: Path, offset: int, limit: int) -> bytes:
    try:
        with os.fdopen(open_plain(path), "rb") as stream:
            stream.seek(offset)
            return stream.read(limit)
    except (FileNotFoundError, NotPlainError):
        return b""


def _parse(line: bytes) -> Event | None:
    if len(line) > contract.MAX_EVENT_BYTES:
        return None
    match read_line(line):
        case {"seq": int(seq), "kind": str(kind), **rest} if 0 < seq <= _MOST_EVENTS and not isinstance(seq, bool):
            fields = {str(name): item for name, item in rest.items() if name != "time"}
            return Event(seq=seq, time=str(rest.get("time", "")), kind=kind, fields=fields)
        case _:
            return None


def _unreadable(lines: int) -> Event:
    message = f"skipped what is not an event in {contract.EVENTS} (lines: {lines})"
    return Event(
        seq=0, time="", kind="warning", fields={"code": "UNREADABLE_EVENTS", "message": message, "lines": lines}
    )
