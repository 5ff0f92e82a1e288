"""A secret is not readable in what passes, whatever it is cut into; everything else passes as it was."""

import base64
import json
from pathlib import Path
from urllib.parse import quote

from hypothesis import given, settings
from hypothesis import strategies as st

from tunewright.runners.supervision.redaction import Redactor, Veil

VALUE = 'hf_Xy9"/é+q\\Ab=='
RAW = VALUE.encode()


def forms() -> list[bytes]:
    """What a program may make of the value without meaning to hide it."""
    return [
        RAW,
        base64.b64encode(RAW),
        base64.urlsafe_b64encode(RAW),
        quote(VALUE, safe="").encode(),
        RAW.hex().encode(),
        json.dumps({"a": VALUE})[7:-2].encode(),
        json.dumps({"a": VALUE}, ensure_ascii=False)[7:-2].encode(),
        repr(VALUE)[1:-1].encode(),
    ]


def test_every_form_is_masked_and_the_rest_stays() -> None:
    redactor = Redactor([RAW])
    for form in forms():
        masked = redactor.masked(b"before " + form + b" after")
        assert form not in masked
        assert masked.startswith(b"before ***")
        assert masked.endswith(b" after")


def test_base64_of_more_than_the_value_is_masked_too() -> None:
    redactor = Redactor([b"hf_abcdefghij1234567"])
    for user in ("u", "us", "use", "user"):
        coded = base64.b64encode(f"{user}:hf_abcdefghij1234567".encode())
        middle = redactor.masked(coded)
        assert b"***" in middle
        assert len(middle) < 15


def test_lines_of_a_key_are_masked_one_by_one() -> None:
    key = b"-----BEGIN KEY-----\nMIGHAgEAMBMGByqGSM49\nAgEGCCqGSM49AwEHBG0w\n-----END KEY-----"
    assert Redactor([key]).masked(b"[MIGHAgEAMBMGByqGSM49]") == b"[***]"


def test_what_is_too_short_to_be_told_apart_is_left() -> None:
    assert not Redactor([b"12345", b""])


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from([*forms(), b"hf_", b"text ", b"\n", b"hf_Xy9", bytes(range(256))]), max_size=12), st.data()
)
def test_any_cutting_of_a_stream_shows_the_same(parts: list[bytes], data: st.DataObject) -> None:
    redactor, stream = Redactor([RAW]), b"".join(parts)
    veil, shown, position = Veil(redactor), b"", 0
    while position < len(stream):
        size = data.draw(st.integers(1, 9))
        shown += veil.passed(stream[position : position + size])
        assert not any(form in shown for form in forms())
        position += size
    shown += veil.rest()
    assert not any(form in shown for form in forms())
    if not any(form in stream for form in forms()):
        assert shown == stream


def test_file_is_cleaned_in_place(tmp_path: Path) -> None:
    file, link = tmp_path / "events.jsonl", tmp_path / "link"
    lines = [json.dumps({"seq": 1, "message": f"token {VALUE} refused"}), json.dumps({"seq": 2, VALUE: 1.5})]
    text = "\n".join(lines).encode()
    file.write_bytes(text)
    link.symlink_to(file)
    redactor = Redactor([RAW])
    redactor.blot_file(link)
    assert file.read_bytes() == text  # nothing is followed
    redactor.blot_file(file)
    redactor.blot_file(tmp_path / "missing")
    cleaned = file.read_bytes()
    assert len(cleaned) == len(text)
    assert [json.loads(line)["seq"] for line in cleaned.splitlines()] == [1, 2]
    assert not any(form in cleaned for form in forms())
