"""docs/runner-contract.md names everything that the code does."""

import re
from pathlib import Path

import pytest

from tunewright.runners import conformance, contract
from tunewright.runners.supervision import spawn, verdict
from tunewright.runners.supervision.record import ExitRecord

DOCUMENT = (Path(__file__).parents[3] / "docs" / "runner-contract.md").read_text()
FILES = (
    contract.STEP, contract.EVENTS, contract.EXIT, contract.CANCEL, contract.LOCK, contract.CLAIM, contract.SUPERVISOR,
    contract.STDOUT, contract.STDERR, spawn.SUPERVISOR_LOG,
)  # fmt: skip


@pytest.mark.parametrize("name", [*contract.EVENT_KINDS, *FILES])
def test_each_event_and_each_file_has_its_row(name):
    assert re.search(rf"(?m)^\| `{re.escape(name)}`|, `{re.escape(name)}` \|", DOCUMENT)


def test_required_fields_are_the_documented_ones():
    for kind, fields in conformance.REQUIRED_FIELDS.items():
        row = re.search(rf"(?m)^\| `{kind}` \| ([^|]*) \|", DOCUMENT)
        assert row, kind
        assert {name for name, optional in re.findall(r"`(\w+)`(\??)", row[1]) if not optional} == fields, kind


def test_each_reason_is_explained():
    source = (
        Path(verdict.__file__).read_text() + Path(verdict.__file__).parents[1].joinpath("supervisor.py").read_text()
    )
    for reason in {
        *re.findall(r'(?:reason=|_reason\(error, )"([A-Z_]+)"', source),
        *(r for r, _ in verdict.REASON_OF_CODE.values()),
    }:
        if reason != "OS_ERROR":
            assert f"`{reason}`" in DOCUMENT


def test_exit_records_and_codes_are_explained():
    for name in ExitRecord.__slots__:
        assert f'"{name}"' in DOCUMENT
    for name, code in vars(contract.ExitCode).items():
        if name.isupper():
            assert f"\n| {code} |" in DOCUMENT, name
