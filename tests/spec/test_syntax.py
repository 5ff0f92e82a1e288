"""YAML 1.2 scalars, spans, and the way from values to text and back."""

import json
import math
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from tunewright.spec.diagnostics import DiagnosticSink
from tunewright.spec.source import SourceFile
from tunewright.spec.syntax import (
    MappingNode,
    Node,
    ScalarNode,
    SequenceNode,
    parse,
    parse_node,
    plain_value,
    resolve_scalar,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-4", 1e-4),
        ("1E5", 1e5),
        ("1.", 1.0),
        (".5", 0.5),
        ("-2", -2),
        ("+2", 2),
        ("0o17", 15),
        ("0x1F", 31),
        ("017", 17),
        ("true", True),
        ("True", True),
        ("false", False),
        ("null", None),
        ("~", None),
        ("", None),
        (".inf", math.inf),
        ("-.INF", -math.inf),
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("off", "off"),
        ("y", "y"),
        ("1_000", "1_000"),
        ("1:30", "1:30"),
        ("2026-11-21", "2026-11-21"),
        ("tRUE", "tRUE"),
        ("nan", "nan"),
        ("inf", "inf"),
        ("1e", "1e"),
        ("0b1", "0b1"),
        ("١", "١"),
        ("1\n", "1\n"),
    ],
)
def test_plain_scalar(text: str, value: Any) -> None:
    resolved = resolve_scalar(text)
    assert (type(resolved), resolved) == (type(value), value)


def test_not_a_number() -> None:
    assert math.isnan(float(str(resolve_scalar(".nan"))))


def test_number_with_too_many_digits_stays_text() -> None:
    assert resolve_scalar("9" * 5000) == "9" * 5000


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"], exclude_characters="\ufeff"), max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.from_regex(r"[a-z_]{1,8}", fullmatch=True), inner, max_size=4)
    ),
    max_leaves=20,
)


def listed(value: Any) -> Any:
    """Tuples as lists, as they were written."""
    return json.loads(json.dumps(value))


def read(text: str) -> Any:
    sink = DiagnosticSink()
    node = parse_node(SourceFile("text", text), sink)
    assert node is not None, [item.message for item in sink]
    return listed(plain_value(node))


@given(values)
def test_json_reads_back(value: Any) -> None:
    assert read(json.dumps(value, ensure_ascii=False)) == value


class _Writer(yaml.SafeDumper):
    """PyYAML writes 1.1: it quotes more than 1.2 needs, but not `0E0` and `0o7`, which are numbers since 1.2."""


_Writer.add_representer(
    str,
    lambda writer, text: writer.represent_scalar(
        "tag:yaml.org,2002:str", text, style=None if isinstance(resolve_scalar(text), str) else '"'
    ),
)


@given(values)
@example(["0E0", "0o7", "1e5"])
def test_block_yaml_reads_back(value: Any) -> None:
    assert read(yaml.dump(value, Dumper=_Writer, allow_unicode=True, width=1000)) == value


def spans_of(node: Node) -> list[tuple[str, Any]]:
    """Text and value of every plain scalar."""
    match node:
        case MappingNode():
            return [pair for entry in node.entries.values() for pair in spans_of(entry.value)]
        case SequenceNode():
            return [pair for item in node.items for pair in spans_of(item)]
        case ScalarNode():
            return [(node.span.text, node.value)] if node.plain else []


@given(values)
def test_span_of_a_plain_scalar_is_its_text(value: Any) -> None:
    text = "# ünï\U0001f600\n" + yaml.safe_dump({"value": value}, allow_unicode=True, width=1000)
    node = parse_node(SourceFile("text", text), DiagnosticSink())
    assert node is not None
    for written, resolved in spans_of(node):
        again = resolve_scalar(written)
        assert again == resolved or isinstance(resolved, str)


def test_block_mapping_ends_with_its_last_value() -> None:
    text = "steps:\n  sft:\n    train: 1\n\n  # about the next\n  next:\n    train: 2\n"
    node = parse(SourceFile("life.yaml", text), DiagnosticSink())
    assert node is not None
    steps = node.entries["steps"].value
    assert isinstance(steps, MappingNode)
    assert steps.entries["sft"].value.span.text == "train: 1"
    assert steps.entries["next"].value.span.text == "train: 2"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "TW0012"),
        ("# only words\n", "TW0012"),
        ("---\n", "TW0012"),
        ("null", "TW0012"),
        ("{}", "TW0012"),
        ("- a\n", "TW1002"),
        ("words", "TW1002"),
        ("5", "TW1002"),
        ("a: *b", "TW0001"),
        ("a: &a [*a]", "TW0001"),
        ("a: 'b", "TW0001"),
        ("a:\tb: c", "TW0001"),
        ("a: b: c", "TW0001"),
        ("\ta: b", "TW0001"),
        ("a: !!str 1", "TW0006"),
        ("[a]: b", "TW0009"),
        ("{a: b}: c", "TW0009"),
        ("a: 1\n---\nb: 2", "TW0008"),
        ("a: \u200bb", "TW0011"),
        ("a: b\u0007", "TW0001"),
        ("a: \udcff", "TW0010"),
    ],
)
def test_text_that_is_no_spec(text: str, code: str) -> None:
    sink = DiagnosticSink()
    parse(SourceFile("life.yaml", text), sink)
    (finding,) = sink
    assert finding.code == code
    assert 0 <= finding.primary.span.start <= finding.primary.span.end <= len(text)


def test_control_character_is_pointed_at() -> None:
    sink = DiagnosticSink()
    parse(SourceFile("life.yaml", "name: a\nbase: b\u0007c\n"), sink)
    (finding,) = sink
    assert (finding.primary.span.begin.line, finding.primary.span.begin.column) == (2, 8)


def test_key_that_is_no_text_is_read_as_written() -> None:
    assert read("{1: a, true: b, 1.50: c}") == {"1": "a", "true": "b", "1.50": "c"}
