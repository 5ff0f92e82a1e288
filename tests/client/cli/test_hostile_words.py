"""Words that nobody should write: refused with a sentence, at once, by whoever reads them first."""

import pytest
from scripted.desk import Desk

from tunewright.client.errors import AddressError
from tunewright.client.targets import check_target


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (("check", "."), "is a folder; name the spec inside"),
        (("check", "/"), "is a folder; name the spec inside"),
        (("runs", "--daemon", "127.0.0.1:99999999"), "is no address of a daemon"),
        (("access", "context", "set", "../../x"), "is no name of a context"),
        (("access", "context", "set", "x", "--daemon", "h\x1b]0;x\x07:1"), "`h\\x1b]0;x\\x07:1` is no address"),
    ],
    ids=lambda value: value[-1] if isinstance(value, tuple) else "",
)
def test_words_that_make_no_sense_get_a_sentence(desk: Desk, command: tuple[str, ...], told: str) -> None:
    answer = desk.run(*command)
    assert answer.code in (1, 2, 3), answer
    assert told in answer.err
    assert "bug" not in answer.err
    assert not set("\x1b\x07") & set(answer.out + answer.err)


@pytest.mark.parametrize(
    "target", ["", "gpu1", "gpu1:", "gpu1:0", "gpu1:70000", "gpu1:-1", "a b:1", "http://gpu1:1", "unix:", "unix:/a\nb"]
)
def test_what_is_no_address_is_not_called(target: str) -> None:
    with pytest.raises(AddressError, match="is no address of a daemon"):
        check_target(target)


@pytest.mark.parametrize(
    "target",
    ["gpu1.example:7419", "127.0.0.1:1", "[::1]:65535", "[fe80::1%eth0]:7419", "dns:///gpu1:7419", "unix:/a b"],
)
def test_addresses_are_addresses(target: str) -> None:
    check_target(target)
