"""Runner of `export.head`: a classifier or an embedding model as one folder that other libraries load."""

import json
import shutil
from pathlib import Path
from typing import Any

from tunewright.runners import contract
from tunewright.runners.contract import StepFile
from tunewright.runners.exporting.heads import Head, head_of
from tunewright.runners.exporting.merging import TOLERANCE, answer_to, cast_weights, merge_adapter
from tunewright.runners.model_loading import WEIGHT_SUFFIXES, settle, weight_bytes
from tunewright.runners.sdk import Manifest, Reporter, StepFailedError, main

MANIFEST = Manifest(
    name="export_head",
    version="1",
    kinds=("export.head",),
    capabilities=("merge",),
    environment="train",
    packages=("torch", "transformers", "peft"),
)

RECORD = "export.json"
#: What lies beside the weights and is made anew, or is of the adapter alone.
_MADE_ANEW = frozenset({"config.json", "adapter_config.json", "labels.json", "tunewright.json"})
_PROBES = ("Where do I find my invoice?", "open ticket number 7", "Nothing arrived, and nobody answers.")


def work(step: StepFile, bundle: Path, report: Reporter) -> None:
    """Melt the adapter in, save, load back, compare; leave a model folder in outputs/."""
    settle(threads=step.parameters["threads"], device=step.parameters["device"])
    folder = Path(step.inputs["model"].path)
    adapter = Path(step.inputs["adapter"].path) if "adapter" in step.inputs else None
    outputs = bundle / contract.OUTPUTS
    shutil.rmtree(outputs, ignore_errors=True)
    head = head_of(step.parameters["makes"], folder, adapter)
    probes = _probes(adapter or folder)
    report.phase("loading model")
    model = head.load(folder, "fp32").eval().to(step.parameters["device"])
    record: dict[str, Any] = {"precision": step.parameters["precision"], "size_before_bytes": weight_bytes(folder)}
    if adapter is not None:
        report.phase("merging adapter")
        merge = merge_adapter(model, adapter, probes, precision=step.parameters["precision"], answer=head.answer)
        model, record["max_difference"] = merge.model, merge.max_logit_difference
    else:
        cast_weights(model, step.parameters["precision"])
    report.check_cancelled()
    report.phase("saving model")
    model.save_pretrained(str(outputs), max_shard_size=step.parameters["max_shard_size_bytes"])
    _copy_beside(adapter or folder, outputs)
    report.phase("loading the export back")
    again = head.load(outputs, step.parameters["precision"]).eval().to(step.parameters["device"])
    record |= {"size_bytes": weight_bytes(outputs), "reload_difference": _compared(model, again, probes, head)}
    (outputs / RECORD).write_text(json.dumps(record, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    report.emit("artifact", role="model", path=contract.OUTPUTS)
    report.summary(**{name: value for name, value in record.items() if name != "precision"})


def _probes(folder: Path) -> list[list[int]]:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    return [list(tokenizer(text)["input_ids"]) for text in _PROBES]


def _copy_beside(source: Path, outputs: Path) -> None:
    """Copy tokenizer, chat template, and how vectors are made."""
    for path in sorted(source.iterdir()):
        made_anew = path.name in _MADE_ANEW or path.name.endswith(".index.json") or path.suffix in WEIGHT_SUFFIXES
        if path.is_dir():
            shutil.copytree(path, outputs / path.name)
        elif not made_anew:
            shutil.copyfile(path, outputs / path.name)


def _compared(model: Any, again: Any, probes: list[list[int]], head: Head) -> float:
    """Return how far the answers of the saved model are from those of the one in memory; raise StepFailedError."""
    answers = [(answer_to(model, probe, head.answer), answer_to(again, probe, head.answer)) for probe in probes]
    difference = max(float((one - other).abs().max()) for one, other in answers)
    largest = max(float(one.abs().max()) for one, _ in answers)
    # `not <=` rather than `>`: NaN must fail too.
    if not difference <= TOLERANCE * max(1.0, largest):
        raise StepFailedError(
            f"loaded back the export answers differently: by up to {difference:.4g}",
            reason="EXPORT_BROKEN",
            help="export at another precision (fp16 overflows where bf16 does not)",
        )
    return difference


if __name__ == "__main__":
    main(MANIFEST, work)
