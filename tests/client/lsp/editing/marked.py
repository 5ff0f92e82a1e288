"""Specs with a mark where the cursor is, and the folder that their files lie in."""

from dataclasses import dataclass
from pathlib import Path

from lsprotocol import types

from tunewright.client.lsp.snapshot import Snapshot

CURSOR = "¦"

HEAD = """\
api_version: tunewright/v1
name: sample
base: {model: "hf://Qwen/Qwen2.5-0.5B-Instruct@7ae557604adf67be50417f59c2c2f167def9a775"}
data:
  rows: {source: "file:rows.jsonl", format: messages}
suites:
  quiz: {file: quiz.jsonl, metric: exact}
resources: {accelerator: a100-80gb, count: 1}
"""

SAMPLE = (
    HEAD
    + """\
steps:
  sft:
    train: {method: sft, data: rows, tuner: {type: lora}}
  exam:
    evaluate: {model: sft, suites: [quiz]}
  line:
    gate:
      require:
        - exam.quiz.exact >= 0.5
        - "mean(exam.*.exact) > 0.1"
  serve:
    deploy: {model: sft, engine: vllm}
"""
)


@dataclass(frozen=True, slots=True)
class Desk:
    """A folder with a few rows; `snapshot` makes a document in it that was never saved."""

    folder: Path

    @classmethod
    def in_folder(cls, folder: Path) -> "Desk":
        """Write the files that the sample names."""
        row = '{"messages": [{"role": "user", "content": "hello"}, {"role": "assistant", "content": "good day"}]}\n'
        (folder / "rows.jsonl").write_text(row * 20, encoding="utf-8")
        quiz = "".join(
            f'{{"id": "{number}", "prompt": "{number}+1", "expected": "{number + 1}"}}\n' for number in range(20)
        )
        (folder / "quiz.jsonl").write_text(quiz, encoding="utf-8")
        return cls(folder)

    @property
    def uri(self) -> str:
        """Where the document would be."""
        return (self.folder / "life.yaml").as_uri()

    def snapshot(self, marked: str, *, compile_it: bool = False) -> tuple[Snapshot, types.Position]:
        """Return the document of a marked text, and where the mark was (the beginning where there is none)."""
        text = marked.replace(CURSOR, "", 1)
        snapshot = Snapshot(uri=self.uri, text=text, version=1)
        if compile_it:
            snapshot = snapshot.compiled(variables={})
        offset = marked.find(CURSOR)
        return snapshot, snapshot.lines.position(max(0, offset))


def applied(snapshot: Snapshot, edits: list[types.TextEdit]) -> str:
    """Return the text after edits, made as editors make them: from the back."""
    text = snapshot.text
    for edit in sorted(edits, key=lambda item: (item.range.start.line, item.range.start.character), reverse=True):
        start, end = snapshot.lines.offset(edit.range.start), snapshot.lines.offset(edit.range.end)
        text = text[:start] + edit.new_text + text[end:]
    return text
