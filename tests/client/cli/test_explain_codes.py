"""Every code has a page."""

import pytest
from click.testing import CliRunner

from tunewright.client.cli.main import commands
from tunewright.compiler.rules import explanation
from tunewright.spec.codes import CODES


@pytest.mark.parametrize("code", CODES)
def test_every_code_is_explained(code: str) -> None:
    answer = CliRunner().invoke(commands, ["explain", code])
    rule = explanation(code)
    assert answer.exit_code == 0, answer.output
    assert answer.output.startswith(f"{CODES[code].severity}[{code}]: {CODES[code].name}")
    assert rule is not None
    assert rule.why.split()[0] in answer.output


@pytest.mark.parametrize("word", ["TW3010", "tw3010", "indivisible-heads"])
def test_a_code_is_found_by_its_name_too(word: str) -> None:
    answer = CliRunner().invoke(commands, ["explain", word])
    assert answer.output.startswith("error[TW3010]: indivisible-heads")
