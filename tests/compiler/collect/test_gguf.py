"""The GGUF header reader believes nothing: it reads what is there, and refuses the rest quickly."""

import struct
import sys
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tunewright.compiler.collect.gguf import GgufError, read_gguf_header
from tunewright.compiler.collect.models import collect_model

STRING, ARRAY, U32, BOOL, F32 = 8, 9, 4, 7, 6
#: No loop is as long as a hostile file claims.
MOST_CALLS = 10_000


@dataclass
class Work:
    """How many calls something took, and how much memory at once."""

    calls: int = 0
    peak_bytes: int = 0


@contextmanager
def work_counted() -> Iterator[Work]:
    work = Work()

    def count(*_: object) -> None:
        work.calls += 1

    tracemalloc.start()
    sys.setprofile(count)
    try:
        yield work
    finally:
        sys.setprofile(None)
        work.peak_bytes = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()


def text(value: str) -> bytes:
    encoded = value.encode()
    return struct.pack("<Q", len(encoded)) + encoded


def entry(key: str, kind: int, payload: bytes) -> bytes:
    return text(key) + struct.pack("<I", kind) + payload


def number(key: str, value: int) -> bytes:
    return entry(key, U32, struct.pack("<I", value))


def tensor(name: str, dimensions: tuple[int, ...], kind: int = 1) -> bytes:
    return text(name) + struct.pack(f"<I{len(dimensions)}QIQ", len(dimensions), *dimensions, kind, 0)


def gguf(entries: list[bytes], tensors: list[bytes], version: int = 3, padding: int = 4096) -> bytes:
    head = b"GGUF" + struct.pack("<IQQ", version, len(tensors), len(entries))
    return head + b"".join(entries) + b"".join(tensors) + bytes(padding)


def tiny() -> bytes:
    tokens = struct.pack("<IQ", STRING, 3) + text("a") + text("bc") + text("")
    return gguf(
        [
            entry("general.architecture", STRING, text("qwen2")),
            number("qwen2.block_count", 2),
            number("qwen2.embedding_length", 8),
            number("qwen2.attention.head_count", 4),
            number("qwen2.attention.head_count_kv", 2),
            number("qwen2.feed_forward_length", 16),
            number("qwen2.context_length", 512),
            entry("tokenizer.ggml.tokens", ARRAY, tokens),
            entry("tokenizer.ggml.scores", ARRAY, struct.pack("<IQ3f", F32, 3, 0.0, 1.0, 2.0)),
            entry("tokenizer.chat_template", STRING, text("{{ messages }}")),
            entry("qwen2.rope.scaling.type", STRING, text("yarn")),
        ],
        [
            tensor("token_embd.weight", (8, 3), 8),
            tensor("blk.0.attn_q.weight", (8, 8), 3),
            tensor("blk.0.attn_q.bias", (8,), 0),
        ],
    )


def test_tells_the_shape_of_a_model(tmp_path: Path) -> None:
    (tmp_path / "tiny.gguf").write_bytes(tiny())
    facts = collect_model("gguf:tiny.gguf", tmp_path, cache=None)
    assert facts.problem is None
    assert (facts.origin, facts.model_type, facts.quantization, facts.dtype) == ("gguf", "qwen2", "q4_1", None)
    assert (facts.hidden_size, facts.num_hidden_layers, facts.num_attention_heads) == (8, 2, 4)
    assert (facts.num_key_value_heads, facts.head_dim, facts.intermediate_size) == (2, 2, 16)
    assert (facts.vocab_size, facts.max_position_embeddings, facts.num_parameters) == (3, 512, 24 + 64 + 8)
    assert facts.tie_word_embeddings
    assert facts.attention_qkv_bias
    assert facts.rope_scaling
    assert facts.chat_template
    assert "q_proj" in facts.linear_modules
    assert facts.digest is not None
    assert facts.digest.startswith("sha256:")


def test_arrays_are_counted_and_not_kept(tmp_path: Path) -> None:
    (tmp_path / "tiny.gguf").write_bytes(tiny())
    metadata = read_gguf_header(tmp_path / "tiny.gguf").metadata
    assert metadata["tokenizer.ggml.tokens"] == 3
    assert metadata["tokenizer.ggml.scores"] == 3


HUGE = 2**63
HOSTILE = {
    "not gguf": b"PK\x03\x04" + bytes(64),
    "empty": b"",
    "magic only": b"GGUF",
    "version 1": b"GGUF" + struct.pack("<IQQ", 1, 0, 0),
    "version 99": gguf([], [], version=99),
    "entry count": b"GGUF" + struct.pack("<IQQ", 3, 0, HUGE) + bytes(4096),
    "tensor count": b"GGUF" + struct.pack("<IQQ", 3, HUGE, 0) + bytes(4096),
    "key length": b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, HUGE) + bytes(4096),
    "text length": gguf([text("k") + struct.pack("<IQ", STRING, HUGE)], []),
    "array length": gguf([text("k") + struct.pack("<IIQ", ARRAY, STRING, HUGE)], []),
    "number array length": gguf([text("k") + struct.pack("<IIQ", ARRAY, F32, HUGE // 8)], []),
    "array item length": gguf([text("k") + struct.pack("<IIQQ", ARRAY, STRING, 2, HUGE)], []),
    "array of arrays": gguf([text("k") + struct.pack("<IIQ", ARRAY, ARRAY, 4)], []),
    "value kind": gguf([text("k") + struct.pack("<I", 77)], []),
    "dimensions": gguf([], [text("t") + struct.pack("<I", 2**31)]),
    "extent": gguf([], [tensor("t", (2**40, 2**40))]),
    "no architecture": gguf([number("a", 1)], [tensor("t", (2, 2))]),
    "architecture is a number": gguf([number("general.architecture", 1)], [tensor("t", (2, 2))]),
    "no tensors": gguf([entry("general.architecture", STRING, text("llama"))], []),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_refuses_what_can_not_be_with_bounded_work_and_memory(name: str, tmp_path: Path) -> None:
    path = tmp_path / "hostile.gguf"
    path.write_bytes(HOSTILE[name])
    with work_counted() as work:
        facts = collect_model(f"gguf:{path}", tmp_path, cache=None)
    assert facts.problem is not None
    assert facts.problem.startswith(f"gguf:{path} is not a usable GGUF file: ")
    assert work.calls < MOST_CALLS
    assert work.peak_bytes < 8 * 2**20


def test_a_sparse_file_does_not_make_lengths_true(tmp_path: Path) -> None:
    path = tmp_path / "sparse.gguf"
    path.write_bytes(gguf([text("k") + struct.pack("<IIQ", ARRAY, STRING, 2**33)], []))
    with path.open("r+b") as stream:
        stream.truncate(2**40)
    with work_counted() as work, pytest.raises(GgufError, match="array items"):
        read_gguf_header(path)
    assert work.calls < MOST_CALLS


@pytest.mark.parametrize("length", range(0, 400, 7))
def test_a_cut_off_header_is_a_problem(length: int, tmp_path: Path) -> None:
    (tmp_path / "cut.gguf").write_bytes(tiny()[:length])
    with pytest.raises(GgufError):
        read_gguf_header(tmp_path / "cut.gguf")


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(position=st.integers(0, 600), noise=st.binary(max_size=24))
def test_any_bytes_give_facts_or_a_problem(tmp_path: Path, position: int, noise: bytes) -> None:
    content = tiny()
    path = tmp_path / "noise.gguf"
    path.write_bytes(content[:position] + noise + content[position + len(noise) :])
    facts = collect_model("gguf:noise.gguf", tmp_path, cache=None)
    assert facts.problem or facts.digest


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    assert collect_model("gguf:no.gguf", tmp_path, cache=None).problem == "gguf:no.gguf does not exist"
    assert "is a folder" in (collect_model("gguf:.", tmp_path, cache=None).problem or "")
