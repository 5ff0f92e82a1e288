"""Runner of `export.model`: one folder that serves, merged and perhaps quantised, with the cost in size and quality."""

import gc
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunewright.runners import contract
from tunewright.runners.chat import as_messages, prompt_tokens
from tunewright.runners.contract import ExitCode, StepFile
from tunewright.runners.exporting import calibration, merging, packaging
from tunewright.runners.exporting.calibration import CalibrationRow, Reading
from tunewright.runners.families import register_families
from tunewright.runners.model_loading import load_model, load_tokenizer, quantization_of, settle, weight_bytes
from tunewright.runners.preparing.rows import files_of
from tunewright.runners.sdk import Manifest, Reporter, StepFailedError, main

MANIFEST = Manifest(
    name="export_model",
    version="1",
    kinds=("export.model",),
    capabilities=("merge", "bnb-nf4"),
    environment="train",
    packages=("torch", "transformers", "peft", "bitsandbytes"),
)

RECORD = "export.json"

_PROBES, _PROBE_TOKENS = 4, 128
_PROBE_WITHOUT_DATA = "Say in two sentences what you can help with."

_SUITE = "calibration"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Order:
    """What is to be exported and how, read from step.json."""

    model: Path
    adapter: Path | None
    calibration: tuple[Path, ...]
    parameters: Mapping[str, Any]

    @property
    def place(self) -> dict[str, str]:
        """The precision and device that everything is loaded with."""
        return {"precision": self.parameters["precision"], "device": self.parameters["device"]}


def work(step: StepFile, bundle: Path, report: Reporter) -> None:
    """Merge, check, measure, save, quantise, load back, measure again; leave a model folder in outputs/."""
    order = _read_order(step)
    _check_possible(order)
    limit = order.parameters["measure"]["limit"]
    conversations = calibration.read_conversations(
        order.calibration,
        order.parameters.get("calibration_format"),
        limit,
        order.parameters.get("calibration_columns"),
        order.parameters.get("calibration_replace"),
        order.parameters.get("calibration_prompt_template"),
    )
    settle(threads=order.parameters["threads"], device=order.parameters["device"], seed=0)
    register_families(order.parameters.get("families", ()))
    tokenizer = load_tokenizer(order.model)
    rows: list[CalibrationRow] = []
    if conversations:
        rows = calibration.tokenize(tokenizer, conversations, order.parameters["measure"]["max_length"])
    probes = [list(row.ids[:_PROBE_TOKENS]) for row in rows[:_PROBES]]
    probes = probes or [prompt_tokens(tokenizer, as_messages(_PROBE_WITHOUT_DATA))]

    outputs = bundle / contract.OUTPUTS
    # An earlier attempt may have been killed while it wrote its shards.
    shutil.rmtree(outputs, ignore_errors=True)
    outputs.mkdir()
    record: dict[str, Any] = {
        "size_before_bytes": weight_bytes(order.model),
        "precision": order.parameters["precision"],
    }
    before = _write_plain(order, bundle, probes, rows, record, report)
    if order.parameters["quantize"] is not None:
        _write_quantized(order, bundle, report)
    report.check_cancelled()
    report.phase("loading the export back")
    exported = packaging.load_back(outputs, probes[0], **order.place)
    record |= {"size_bytes": weight_bytes(outputs), "quantize": order.parameters["quantize"]}
    if before is not None:
        _compare(before, _read(exported, rows, "measuring the export", report), order, record, report)
    (outputs / RECORD).write_text(json.dumps(record, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    report.emit("artifact", role="model", path=contract.OUTPUTS)
    shown = ("size_bytes", "size_before_bytes", "perplexity", "perplexity_before", "max_logit_difference")
    report.summary(**{name: record[name] for name in shown if record.get(name) is not None})


def _read_order(step: StepFile) -> _Order:
    def path_of(name: str) -> Path | None:
        return Path(step.inputs[name].path) if name in step.inputs else None

    calibrated = any(key.split(".")[0] == "calibration" for key in step.inputs)
    return _Order(
        model=Path(step.inputs["model"].path),
        adapter=path_of("adapter"),
        calibration=tuple(files_of("calibration", step.inputs)) if calibrated else (),
        parameters=step.parameters,
    )


def _check_possible(order: _Order) -> None:
    """Refuse what can't work before anything heavy is imported."""
    method = quantization_of(order.model)
    if method is not None and (order.parameters["quantize"] is not None or order.adapter is not None):
        raise StepFailedError(
            f"the model is already quantised ({method}): merging or quantising again would only lose more",
            reason="ALREADY_QUANTIZED",
            help="export from the model in full precision",
            code=ExitCode.IMPOSSIBLE,
        )
    if order.adapter is not None and not order.parameters["merge"]:
        raise _impossible("an adapter can't be exported as a model without merging it", "set `merge: true`")
    if order.parameters["quantize"] is not None:
        packaging.check_quantization(order.parameters["quantize"])
    if order.parameters["limits"].get("perplexity_increase") is not None and not order.calibration:
        raise _impossible(
            "`limits.perplexity_increase` can't be measured without rows", "name a `calibration` data set"
        )


def _write_plain(
    order: _Order,
    bundle: Path,
    probes: Sequence[Sequence[int]],
    rows: Sequence[CalibrationRow],
    record: dict[str, Any],
    report: Reporter,
) -> Reading | None:
    """Write the merged model at its precision: to outputs/, or to work/ when it is only the way to a quantised one."""
    if order.adapter is not None:
        report.phase("merging adapter")
        whole = load_model(order.model, precision="fp32", device=order.parameters["device"])
        merge = merging.merge_adapter(whole, order.adapter, probes, precision=order.parameters["precision"])
        model = merge.model
        record["max_logit_difference"] = merge.max_logit_difference
    else:
        report.phase("loading model")
        model = load_model(order.model, **order.place)
    report.check_cancelled()
    reading = _read(model, rows, "measuring the model before", report) if rows else None
    report.phase("saving model")
    packaging.save_model(model, order.model, _plain_folder(order, bundle), order.parameters["max_shard_size_bytes"])
    del model
    gc.collect()
    return reading


def _write_quantized(order: _Order, bundle: Path, report: Reporter) -> None:
    report.check_cancelled()
    report.phase("quantising")
    plain = _plain_folder(order, bundle)
    model = packaging.quantize(plain, order.parameters["quantize"], **order.place)
    packaging.save_model(model, plain, bundle / contract.OUTPUTS, order.parameters["max_shard_size_bytes"])
    del model
    gc.collect()
    shutil.rmtree(plain)


def _plain_folder(order: _Order, bundle: Path) -> Path:
    return bundle / contract.OUTPUTS if order.parameters["quantize"] is None else bundle / contract.WORK / "merged"


def _read(model: Any, rows: Sequence[CalibrationRow], phase: str, report: Reporter) -> Reading:
    report.phase(phase)

    def on_row(done: int) -> None:
        report.progress(done, len(rows), "rows")
        report.check_cancelled()

    return calibration.read_with(model, rows, on_row)


def _compare(before: Reading, after: Reading, order: _Order, record: dict[str, Any], report: Reporter) -> None:
    """Report both readings; raise StepFailedError QUALITY_LOST beyond the limit that the user set."""
    increase = after.perplexity / before.perplexity - 1
    record |= {
        "perplexity": round(after.perplexity, 6),
        "perplexity_before": round(before.perplexity, 6),
        "perplexity_increase": round(increase, 6),
        "top1_agreement": round(calibration.agreement(before, after), 6),
        "tokens": len(before.likeliest),
    }
    for metric in ("perplexity", "perplexity_before", "perplexity_increase", "top1_agreement"):
        report.emit("evaluation", suite=_SUITE, metric=metric, value=record[metric], rows=record["tokens"])
    limit = order.parameters["limits"].get("perplexity_increase")
    if limit is not None and not increase <= limit:
        raise StepFailedError(
            f"perplexity rose from {before.perplexity:.4g} to {after.perplexity:.4g} "
            f"({increase:+.1%}); the limit is {limit:+.1%}",
            reason="QUALITY_LOST",
            help="export without quantising, or raise `limits.perplexity_increase`",
        )


def _impossible(message: str, advice: str) -> StepFailedError:
    return StepFailedError(message, reason="IMPOSSIBLE", help=advice, code=ExitCode.IMPOSSIBLE)


if __name__ == "__main__":
    main(manifest=MANIFEST, work=work)
