"""Personal data are found by their own checks, in Chinese and Western forms, and nothing else is."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewright.runners.preparing.recognisers import KINDS, find
from tunewright.runners.preparing.scrubbing import Scrubbed, scrub_row, scrub_text

# All of these are published test values, or made up with a right check digit.
PERSONAL = {
    "phone": ["13800138000", "+86 138 0013 8000", "010-62781234", "(021) 61234567",
              "+44 20 7946 0958", "(415) 555-2671", "+49 30 901820", "１３８００１３８０００"],
    "email": ["li.hua@example.com.cn", "o'neil+news@mail.example.org", "用户@例子.中国", "a＠example.com"],
    "id_card": ["11010519491231002X", "11010519491231002x", "110105491231002", "078-05-1120", "12345678Z", "X1234567L",
                "1 84 12 76 451 089 46", "529.982.247-25", "2341 2341 2346", "AB 12 34 56 C"],
    "bank_card": ["4111 1111 1111 1111", "5555555555554444", "378282246310005", "6212345678901265", "3530111333300000"],
    "iban": ["DE89 3704 0044 0532 0130 00", "GB82WEST12345698765432", "FR1420041010050500013M02606"],
    "ip": ["192.168.1.17", "2001:db8::8a2e:370:7334", "8.8.8.8"],
    "key": ["AKIAIOSFODNN7EXAMPLE", "ghp_" + "a1B2" * 9, "sk-proj-" + "Ab3" * 12,
            "eyJhbGciOiJI.eyJzdWIiOiIx.c2lnbmF0dXJl"],
}  # fmt: skip
INNOCENT = [
    "order K-48213 of 2024-11-03, total 1,299.00 EUR",
    "11010519491231002Y is no resident's number and 110105194912310021 fails its check",
    "4111 1111 1111 1112 fails Luhn's sum",
    "DE88 3704 0044 0532 0130 00 fails its remainder",
    "version 3.12.1, section 1.2.3.4.5, 256.1.1.1",
    "at 10:15:30 on page 12345678",
    "the ratio 0.13800138000 is a number",
    "uuid 123e4567-e89b-12d3-a456-426614174000",
    "12345678A has the wrong letter, 234-00-1234 the wrong group",
    "C++::vector, std::string and ::1st",
    "第12345678901234号文件，金额 3000000000 元",
    "user@localhost has no domain; 5 @ 3.50",
]


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in PERSONAL.items() for text in texts])
def test_each_form_is_found_whole(kind: str, text: str) -> None:
    for sentence in (text, f"请联系 {text}，谢谢。", f"Write to {text}, please.", f"({text})"):
        cleaned, found = scrub_text(sentence, KINDS)
        assert found == {kind: 1}, (sentence, found)
        assert cleaned == sentence.replace(text, f"<{kind.upper()}>")


@pytest.mark.parametrize("text", INNOCENT)
def test_what_only_looks_alike_stays(text: str) -> None:
    assert find(text) == ()


def test_only_the_kinds_asked_for_go() -> None:
    assert scrub_text("a@b.example 13800138000", ("email",))[0] == "<EMAIL> 13800138000"


def test_a_row_is_cleaned_at_any_depth_and_the_report_holds_no_value() -> None:
    row = {
        "messages": [
            {"role": "user", "content": "I am li.hua@example.com.cn, 13800138000"},
            {"role": "assistant", "content": "", "tool_calls": [{"arguments": {"card": "4111 1111 1111 1111"}}]},
        ],
        "id": 13800138000,
    }
    counts = Scrubbed()
    cleaned = scrub_row(row, KINDS, counts)
    scrub_row({"text": "nothing here"}, KINDS, counts)
    assert cleaned["messages"][0]["content"] == "I am <EMAIL>, <PHONE>"
    assert cleaned["messages"][1]["tool_calls"] == [{"arguments": {"card": "<BANK_CARD>"}}]
    assert cleaned["id"] == 13800138000, "numbers that are no text stay: their meaning is the column's"
    report = counts.as_report()
    assert report == {
        "rows": 2,
        "rows_touched": 1,
        "found": {"bank_card": 1, "email": 1, "phone": 1},
        "columns": {"messages": 3},
    }
    assert "li.hua" not in json.dumps(report)


@given(st.text(max_size=200))
def test_any_text_is_read_and_a_clean_text_stays_clean(text: str) -> None:
    cleaned, _ = scrub_text(text, KINDS)
    assert scrub_text(cleaned, KINDS)[0].count("<") >= cleaned.count("<")


@pytest.mark.parametrize("shape", ["1", "a", "a@", "1 ", ":", "+1-", "ab12 ", "a.", "eyJaaaaaaaa."])
def test_no_text_takes_long(shape: str) -> None:
    """Patterns that try every way would need hours here; the suite's own time limit is the judge."""
    find(shape * 10_000)
