"""What belongs to a person or opens a door: how each kind looks, and what proves it. Standard library only.

Numbers are taken only where their own check holds, or where they stand as people write them. Wide characters, as
Chinese input makes them, are read as their narrow twins.
"""

import ipaddress
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from tunewright.runners.preparing import checksums

#: Full-width digits, letters and signs -> ASCII, one for one, so that places in the text stay.
_NARROW = {0xFF01 + offset: 0x21 + offset for offset in range(94)} | {0x3000: 0x20}


class Found(NamedTuple):
    """A place in a text, and the kind of thing that stands there."""

    start: int
    end: int
    kind: str


@dataclass(frozen=True, slots=True)
class Recogniser:
    """One look of one kind; `proof` is asked of what the pattern has found."""

    kind: str
    pattern: re.Pattern[str]
    proof: Callable[[str], bool] = bool


def _number(kind: str, pattern: str, proof: Callable[[str], bool] = bool) -> Recogniser:
    # A number inside a longer one is another number.
    return Recogniser(kind, re.compile(rf"(?<![\d.]){pattern}(?![\d])(?!\.\d)", re.IGNORECASE | re.ASCII), proof)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _is_phone(text: str) -> bool:
    return 8 <= len(checksums.digits_of(text)) <= 15


#: In the order in which they are asked: what is found first is not looked at again.
RECOGNISERS: tuple[Recogniser, ...] = (
    Recogniser("key", re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----", re.DOTALL)),
    Recogniser("key", re.compile(r"\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}")),
    Recogniser("key", re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b")),
    Recogniser("key", re.compile(r"\bLTAI[0-9A-Za-z]{12,24}\b")),
    Recogniser("key", re.compile(r"\b(?:gh[pousr]_[0-9A-Za-z]{36,}|github_pat_\w{40,}|glpat-[\w-]{20,})")),
    Recogniser("key", re.compile(r"\b(?:sk|pk|rk)[-_](?:[a-z]+[-_])*[0-9A-Za-z]{20,}")),
    Recogniser("key", re.compile(r"\b(?:xox[abposr]-[0-9A-Za-z-]{10,}|AIza[\w-]{35}|hf_[0-9A-Za-z]{30,})")),
    Recogniser(
        "key",
        re.compile(
            r"(?i:(?<=api_key=)|(?<=api-key: )|(?<=secret=)|(?<=password=)|(?<=passwd=)|(?<=token=)|(?<=bearer ))"
            r"[^\s\"'&,;]{8,}"
        ),
    ),
    Recogniser(
        "email", re.compile(r"(?<![\w.+-])[\w.!#$%&'*+/=?^`{|}~-]{1,64}@(?:[\w-]+\.){1,8}[a-zA-Z\u4e00-\u9fff]{2,}")
    ),
    _number("iban", r"(?<![a-z])[a-z]{2}\d{2}(?: ?[0-9a-z]{4}){2,7}(?: ?[0-9a-z]{1,3})?", checksums.is_iban),
    _number("id_card", r"[1-9]\d{16}[\dx]", checksums.is_chinese_id),
    _number("id_card", r"[1-6]\d{14}", checksums.is_old_chinese_id),
    _number("bank_card", r"\d(?:[ -]?\d){12,18}", checksums.is_card),
    _number("id_card", r"\d{3}[ -]\d{2}[ -]\d{4}", checksums.is_social_security),
    _number("id_card", r"(?<![a-z])[a-ceghj-prs-tw-z][a-ceghj-npr-tw-z] ?\d{2} ?\d{2} ?\d{2} ?[a-d](?![a-z])"),
    _number("id_card", r"(?<![a-z])(?:\d{8}|[xyz]-?\d{7})-?[a-hj-np-tv-z](?![a-z])", checksums.is_dni),
    _number("id_card", r"[12] ?\d\d ?(?:0[1-9]|1[0-2]) ?(?:\d\d|2[ab]) ?\d{3} ?\d{3} ?\d\d", checksums.is_french_nir),
    _number("id_card", r"\d{3}\.\d{3}\.\d{3}-\d{2}", checksums.is_cpf),
    _number("id_card", r"[2-9]\d{3} \d{4} \d{4}", checksums.is_aadhaar),
    Recogniser("ip", re.compile(r"(?<![\w.:])(?:\d{1,3}\.){3}\d{1,3}(?![\w]|\.\d)"), _is_address),
    Recogniser("ip", re.compile(r"(?<![\w:.])(?:[0-9a-fA-F]{0,4}:){2,7}[0-9a-fA-F]{0,4}(?![\w:])"), _is_address),
    _number("phone", r"(?:(?:\+|00)86[ -]?)?1[3-9]\d[ -]?\d{4}[ -]?\d{4}"),
    _number("phone", r"(?:\(0\d{2,3}\)|0\d{2,3})[ -]\d{7,8}(?:-\d{1,5})?"),
    _number("phone", r"(?:\+1[ .-]?)?\(?[2-9]\d{2}\)?[ .-][2-9]\d{2}[ .-]\d{4}"),
    _number("phone", r"\+\d{1,3}(?:[ .()-]{0,2}\d){6,13}", _is_phone),
)  # fmt: skip

#: Every kind, in the order of the table.
KINDS: tuple[str, ...] = tuple(dict.fromkeys(each.kind for each in RECOGNISERS))


def find(text: str, kinds: tuple[str, ...] = KINDS) -> tuple[Found, ...]:
    """Return the places of all things of these kinds in a text, first to last, none overlapping."""
    narrow = text.translate(_NARROW)
    taken: list[Found] = []
    for each in RECOGNISERS:
        if each.kind in kinds:
            taken += [found for found in _matches(each, narrow) if not any(_overlap(found, other) for other in taken)]
    return tuple(sorted(taken))


def _matches(each: Recogniser, text: str) -> Iterator[Found]:
    for match in each.pattern.finditer(text):
        if each.proof(match.group()):
            yield Found(match.start(), match.end(), each.kind)


def _overlap(one: Found, other: Found) -> bool:
    return one.start < other.end and other.start < one.end
