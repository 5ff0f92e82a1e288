"""Runner of `prepare.tokens`: rows as tokens in outputs/train.arrow (and outputs/held_out.arrow), on the processor."""

import json
import os
import shutil
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from tunewright.runners import contract
from tunewright.runners.contract import StepFile
from tunewright.runners.families import register_families
from tunewright.runners.preparing.rows import REPORT
from tunewright.runners.sdk import Manifest, Reporter, StepFailedError, main
from tunewright.runners.training.ahead import FILES, fingerprint
from tunewright.runners.training.data import needs_chat_template, read_training_rows, split_rows
from tunewright.runners.training.feeding import nothing_left, tell
from tunewright.runners.training.methods.method import Row, training_method
from tunewright.runners.training.settings import TrainSettings
from tunewright.runners.training.tokens import TokenCounts, tokenised

MANIFEST = Manifest(
    name="prepare-tokens",
    version="1",
    kinds=("prepare.tokens",),
    packages=("transformers", "pyarrow"),
)

#: Rows that are written, and held, at once.
_BATCH = 1000


def work(step: StepFile, bundle: Path, report: Reporter) -> None:
    """Fill outputs/ with the tokens and report.json."""
    settings = TrainSettings.from_parameters(step.parameters)
    outputs = bundle / contract.OUTPUTS
    shutil.rmtree(outputs, ignore_errors=True)
    outputs.mkdir()
    report.phase("reading the rows")
    parts = split_rows(read_training_rows(step.inputs, settings, report), settings.evaluation_share, settings.seed)
    register_families(settings.families)
    tokenizer = _tokenizer(Path(step.inputs["model"].path))
    if needs_chat_template(parts[0]) and not tokenizer.chat_template:
        raise StepFailedError(
            "the data are conversations and the base model's tokenizer has no chat template",
            reason="CHAT_TEMPLATE_MISSING",
            help="use an instruction-tuned base model, or data of format `text`",
        )
    report.phase("tokenising")
    every = {name: TokenCounts() for name in FILES}
    for name, rows in zip(FILES, parts, strict=True):
        if rows:
            _write(outputs / name, _tokens(rows, tokenizer, settings, every[name]), report)
    learned = every[FILES[0]]
    if not learned.rows:
        raise nothing_left(settings)
    tell(learned, settings, report)
    whole = {
        "tokenizer": fingerprint(tokenizer),
        "max_length": settings.max_length,
        "truncation": settings.truncation,
        **{Path(name).stem: counts.as_report() for name, counts in every.items()},
    }
    (outputs / REPORT).write_text(json.dumps(whole, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    report.summary(
        rows=learned.rows, tokens=learned.tokens, cut_rows=learned.cut, rows_left_out=learned.seen - learned.rows
    )
    report.emit("artifact", role="data", path=contract.OUTPUTS)


def _tokenizer(folder: Path) -> Any:
    os.environ |= {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "TOKENIZERS_PARALLELISM": "false"}
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)


def _tokens(rows: list[Row], tokenizer: Any, settings: TrainSettings, counts: TokenCounts) -> Iterator[Row]:
    tokens_of = training_method(settings.method).tokens
    if tokens_of is None:
        raise StepFailedError(
            f"{settings.method} makes its own tokens", reason="PARAMETERS_NOT_UNDERSTOOD", help="plan again"
        )
    return tokenised(rows, tokens_of, tokenizer, settings, counts)


def _write(path: Path, rows: Iterator[Row], report: Reporter) -> None:
    """Write rows in Arrow's stream form, which trainers map into memory instead of reading it."""
    import pyarrow

    schema = pyarrow.schema([(name, pyarrow.list_(pyarrow.int32())) for name in ("input_ids", "labels")])
    done = 0
    with pyarrow.OSFile(str(path), "wb") as sink, pyarrow.ipc.new_stream(sink, schema) as writer:
        while batch := list(islice(rows, _BATCH)):
            writer.write_batch(pyarrow.RecordBatch.from_pylist(batch, schema=schema))
            done += len(batch)
            report.emit("heartbeat", rows=done)
            report.check_cancelled()


if __name__ == "__main__":
    main(MANIFEST, work)
