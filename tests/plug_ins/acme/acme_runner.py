"""Runners of somebody else: one packs a model, one examines it."""

import json
from pathlib import Path

from tunewright.runners.contract import StepFile
from tunewright.runners.sdk import Manifest, Reporter, main

MANIFEST = Manifest(name="acme", version="1", kinds=("acme.exam", "acme.pack"))


def work(step: StepFile, bundle: Path, report: Reporter) -> None:
    """Leave what the kind of step is for."""
    outputs = bundle / "outputs"
    if step.kind == "acme.pack":
        seen = {key: sorted(path.name for path in Path(item.path).glob("*")) for key, item in step.inputs.items()}
        (outputs / "packed.json").write_text(json.dumps({**step.parameters["options"], "seen": seen}), encoding="utf-8")
        report.emit("artifact", role="model", path="outputs")
        return
    metrics = {
        name: {
            "rows": len(Path(step.inputs[f"suite.{name}"].path).read_bytes().splitlines()),
            suite["metric"].rpartition(".")[2]: 0.75,
        }
        for name, suite in step.parameters["suites"].items()
    }
    (outputs / "metrics.json").write_text(json.dumps(metrics), encoding="utf-8")
    report.emit("artifact", role="evaluation", path="outputs")


if __name__ == "__main__":
    main(MANIFEST, work)
