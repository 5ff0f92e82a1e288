"""Runner of `prepare.tokens`: rows as tokens in outputs/train.arrow (and outputs/held_out.arrow), on the processor.

Rows pass in batches, in the order they are learned from: of a set larger than memory only its row numbers are kept,
and of those only the ones that chance picks.
"""

import json
import os
import shutil
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from tunewright.runners import contract
from tunewright.runners.contract import StepFile
from tunewright.runners.families import register_families
from tunewright.runners.preparing.rows import REPORT
from tunewright.runners.sdk import Manifest, Reporter, StepFailedError, main
from tunewright.runners.training.ahead import FILES, fingerprint
from tunewright.runners.training.data import held_out_rows, needs_chat_template
from tunewright.runners.training.feeding import nothing_left, tell
from tunewright.runners.training.methods.method import Row, training_method
from tunewright.runners.training.row_stream import RowStream
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
    rows = RowStream.survey(step.inputs, settings, report)
    register_families(settings.families)
    tokenizer = _tokenizer(Path(step.inputs["model"].path))
    if needs_chat_template(next(iter(rows))) and not tokenizer.chat_template:
        raise StepFailedError(
            "the data are conversations and the base model's tokenizer has no chat template",
            reason="CHAT_TEMPLATE_MISSING",
            help="use an instruction-tuned base model, or data of format `text`",
        )
    report.phase("tokenising")
    every = {name: TokenCounts() for name in FILES}
    held_out = held_out_rows(len(rows), settings.evaluation_share, settings.seed) if settings.evaluation_share else ()
    for name, held in zip(FILES, (False, True), strict=True):
        if held_out or not held:
            part = (row for number, row in enumerate(rows) if (number in held_out) is held)
            _write(outputs / name, _tokens(part, tokenizer, settings, every[name]), report)
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


def _tokens(rows: Iterable[Row], tokenizer: Any, settings: TrainSettings, counts: TokenCounts) -> Iterator[Row]:
    tokens_of = training_method(settings.method).tokens
    if tokens_of is None:
        raise StepFailedError(
            f"{settings.method} makes its own tokens", reason="PARAMETERS_NOT_UNDERSTOOD", help="plan again"
        )
    return tokenised(rows, tokens_of, tokenizer, settings, counts)


def _write(path: Path, rows: Iterator[Row], report: Reporter) -> None:
    """Write rows in Arrow's stream form, which trainers map into memory instead of reading it."""
    import pyarrow

    batch, done = list(islice(rows, _BATCH)), 0
    tokens = pyarrow.list_(pyarrow.int32())
    one_label = bool(batch) and not isinstance(batch[0]["labels"], list)
    schema = pyarrow.schema([("input_ids", tokens), ("labels", pyarrow.int32() if one_label else tokens)])
    with pyarrow.OSFile(str(path), "wb") as sink, pyarrow.ipc.new_stream(sink, schema) as writer:
        while batch:
            writer.write_batch(pyarrow.RecordBatch.from_pylist(batch, schema=schema))
            done += len(batch)
            report.emit("heartbeat", rows=done)
            report.check_cancelled()
            batch = list(islice(rows, _BATCH))


if __name__ == "__main__":
    main(MANIFEST, work)
