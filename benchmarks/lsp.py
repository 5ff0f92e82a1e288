"""Measure the language server: start, and keystroke to diagnostics of the whole compiler for a spec of 300 lines.

    PYTHONPATH=src python -P benchmarks/lsp.py [--lines 300] [--keys 40]

The pause that the server waits for further keys (DEBOUNCE_SECONDS) is part of the figures; the compiler's own time in
the same process is shown beside them.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path

from lsprotocol import types
from pygls.lsp.client import LanguageClient

from tunewright.client.cli.specs import world
from tunewright.client.lsp.documents import DEBOUNCE_SECONDS
from tunewright.client.lsp.snapshot import Snapshot

_HEAD = """api_version: tunewright/v1
name: benchmark
base:
  model: hf://Qwen/Qwen2.5-0.5B-Instruct
data:
  rows:
    source: "file:rows.jsonl"
    format: messages
resources:
  accelerator: a100-80gb
  count: 8
steps:
"""
_STEP = """  step_{number}:
    train:
      method: sft
      data: rows
      tuner:
        type: lora
        rank: 16
        alpha: 32
      learning_rate: 2.0e-4
      num_train_epochs: 3
      per_device_train_batch_size: 4
      max_length: 1024
"""


def main() -> None:
    """Print the figures."""
    arguments = argparse.ArgumentParser(description="Measure the language server.")
    arguments.add_argument("--lines", type=int, default=300)
    arguments.add_argument("--keys", type=int, default=40)
    chosen = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        spec = Path(folder) / "life.yaml"
        row = '{"messages": [{"role": "user", "content": "hello"}, {"role": "assistant", "content": "good day"}]}\n'
        (spec.parent / "rows.jsonl").write_text(row * 64, encoding="utf-8")
        spec.write_text(spec_text(chosen.lines), encoding="utf-8")
        time.sleep(0.1)  # facts of a file that changed this moment are not remembered
        asyncio.run(measure(spec, chosen.keys))
        measure_compiler(spec, chosen.keys)


def spec_text(lines: int) -> str:
    """Return a spec of about so many lines."""
    head, step = _HEAD.count("\n"), _STEP.count("\n")
    return _HEAD + "".join(_STEP.format(number=number) for number in range(max(1, (lines - head) // step)))


def edited(text: str, key: int) -> str:
    """Return the text after a keystroke: every second one makes a mistake."""
    return text.replace("rank: 16", f"rank: {17 + key}" if key % 2 else "rank: many", 1)


async def measure(spec: Path, keys: int) -> None:
    """Measure over standard input and output, as an editor would."""
    client = LanguageClient("benchmark", "1")
    published: asyncio.Queue[int | None] = asyncio.Queue()

    @client.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
    def note(params: types.PublishDiagnosticsParams) -> None:
        published.put_nowait(params.version)

    started = time.perf_counter()
    await client.start_io(sys.executable, "-P", "-m", "tunewright", "lsp")
    await client.initialize_async(types.InitializeParams(capabilities=types.ClientCapabilities()))
    client.initialized(types.InitializedParams())
    print(f"start to initialized         {1000 * (time.perf_counter() - started):7.0f} ms")
    text, uri = spec.read_text(encoding="utf-8"), spec.as_uri()
    started = time.perf_counter()
    client.text_document_did_open(types.DidOpenTextDocumentParams(types.TextDocumentItem(uri, "yaml", 0, text)))
    await published.get()
    print(f"open to first diagnostics    {1000 * (time.perf_counter() - started):7.0f} ms")
    times = []
    for key in range(1, keys + 1):
        change = types.TextDocumentContentChangeWholeDocument(edited(text, key))
        started = time.perf_counter()
        client.text_document_did_change(
            types.DidChangeTextDocumentParams(types.VersionedTextDocumentIdentifier(key, uri), [change])
        )
        while await published.get() != key:
            pass
        times.append(1000 * (time.perf_counter() - started))
    lines = text.count("\n")
    pause = 1000 * DEBOUNCE_SECONDS
    print(f"keystroke to diagnostics     {statistics.median(times):7.0f} ms median, {worst(times):.0f} ms p95")
    print(f"  of it the pause            {pause:7.0f} ms   ({lines} lines, {keys} keystrokes)")
    await client.shutdown_async(None)
    client.exit(None)
    await client.stop()


def measure_compiler(spec: Path, keys: int) -> None:
    """Measure the compiler alone, warm, as the server calls it."""
    text = spec.read_text(encoding="utf-8")
    times = []
    for key in range(keys + 3):
        snapshot = Snapshot(uri=spec.as_uri(), text=edited(text, key))
        started = time.perf_counter()
        snapshot.compiled(**world())
        times.append(1000 * (time.perf_counter() - started))
    times = times[3:]  # the first ones import and read
    print(f"the compiler alone, warm     {statistics.median(times):7.1f} ms median, {worst(times):.1f} ms p95")


def worst(times: list[float]) -> float:
    """Return the 95th percentile."""
    return sorted(times)[int(0.95 * (len(times) - 1))]


if __name__ == "__main__":
    main()
