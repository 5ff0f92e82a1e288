"""Whatever a text holds: findings come out, no pass raises, every place that is pointed at lies in its text."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tunewright.compiler.collect.gather import collect
from tunewright.compiler.front import Compilation, request_for
from tunewright.compiler.ir.facts import HardwareFacts
from tunewright.compiler.passes.work import Work
from tunewright.compiler.pipeline import LOWERING, READING, RESOLVING, new_work
from tunewright.compiler.render.full import render_full
from tunewright.spec.diagnostics import Diagnostic

HERE = Path(__file__).parent
SAMPLE = (HERE.parent / "world" / "sample.yaml").read_text(encoding="utf-8")

#: What is put in place of a piece of the sample: values of every kind, words of the language, syntax.
PIECES = (
    *(
        "null",
        "~",
        "[]",
        "{}",
        "true",
        "no",
        "-1",
        "0",
        "1e400",
        ".nan",
        ".inf",
        "9" * 30,
        "''",
        "[[]]",
        "{a: b}",
        "x" * 200,
    ),
    *(
        "sft",
        "align",
        "base",
        "exam",
        "rows",
        "quiz",
        "dpo",
        "kto",
        "full",
        "qlora",
        "megatron",
        "zero3",
        "fsdp2",
        "vllm",
    ),
    *(
        "&a",
        "*a",
        "<<",
        "!!int",
        "? ",
        "- ",
        ": ",
        "\n",
        "\n  ",
        "\t",
        "#",
        "---\n",
        "%YAML 1.1",
        "|",
        ">-",
        "\r",
        "\u2028",
    ),
    *("tuner: full", "parallelism: {tensor_parallel: 3}", "quantize: {method: gptq}", "timeout: 5m", "from: sft"),
    *(
        "${env:X}",
        "${secret:Y}",
        "${",
        "exam.*.exact >= 1",
        "mean(",
        "hf_abcdefghijklmnopqrst",
        "\u0000",
        "\ud800",
        "\u202e",
        "😀",
    ),
)

LAPTOP = HardwareFacts(cpu_cores=4, memory_bytes=64 * 2**30)


def strictly(work: Work, folder: Path) -> Work:
    """Run all passes as the pipeline does, but let exceptions through."""
    for each in READING:
        if work.document is None and each is not READING[0]:
            return work
        if work.spec is None and each is READING[-1]:
            return work
        work = each(work)
    assert work.spec is not None
    # Only what the sample names is looked for: a mutation must not send the test through the whole disk.
    assume(work.spec.base.model.startswith("hf://"))
    sources = [source for data in work.spec.data.values() for source in data.source]
    sources += [suite.file for suite in work.spec.suites.values() if suite.file]
    assume(not any("/" in source or source.startswith(("dir:", "~", ".")) for source in sources))
    assume(not any(suite.data for suite in work.spec.suites.values()))
    facts = collect(request_for(work.spec), folder, cache=None, hardware=LAPTOP)
    work = replace(work, facts=facts)
    for each in RESOLVING:
        work = each(work)
    if not work.sink.has_errors:
        for each in LOWERING:
            work = each(work)
        assert work.plan is not None
    return work


def check(findings: list[Diagnostic]) -> None:
    for item in findings:
        for label in (item.primary, *item.labels):
            span = label.span
            assert 0 <= span.start <= span.end <= len(span.source.text)
        assert item.message
        assert not item.message.endswith(".")
    render_full(findings)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.text(max_size=200))
def test_any_text(world: Path, text: str) -> None:
    check(list(strictly(new_work(text, "life.yaml"), world).sink))


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.binary(max_size=200))
def test_any_bytes(compile_spec: Callable[..., Compilation], content: bytes) -> None:
    text = content.decode("utf-8", errors="surrogateescape")
    findings = list(compile_spec(text).diagnostics)
    check(findings)
    assert findings
    assert "TW9001" not in {item.code for item in findings}


edits = st.lists(
    st.tuples(st.floats(0, 1), st.sampled_from([0, 0, 1, 4, 12, 40]), st.sampled_from(PIECES)), min_size=1, max_size=4
)


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(edits)
def test_sample_with_pieces_replaced(world: Path, edits: list[tuple[float, int, str]]) -> None:
    text = SAMPLE
    for place, length, piece in edits:
        start = int(place * len(text))
        text = text[:start] + piece + text[start + length :]
    check(list(strictly(new_work(text, "life.yaml"), world).sink))


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.lists(st.tuples(st.integers(0, 40), st.sampled_from(PIECES)), min_size=1, max_size=4))
def test_sample_with_values_replaced(world: Path, edits: list[tuple[int, str]]) -> None:
    lines = SAMPLE.splitlines()
    for number, piece in edits:
        index = number % len(lines)
        key, colon, _ = lines[index].partition(": ")
        lines[index] = key + (colon or ": ") + piece
    check(list(strictly(new_work("\n".join(lines), "life.yaml"), world).sink))


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    st.lists(
        st.one_of(st.sampled_from(["steps.sft.train.", "seed=", "name=", "data.rows=", "="]), st.text(max_size=20))
    )
)
def test_any_override(world: Path, pieces: list[str]) -> None:
    sets = ("".join(pieces), "steps.sft.train.beta=" + "".join(pieces))
    check(list(strictly(new_work(SAMPLE, "life.yaml", sets=sets), world).sink))
