"""A runner of somebody else."""

from pathlib import Path

from tunewright.runners.contract import StepFile
from tunewright.runners.sdk import Manifest, Reporter, main

MANIFEST = Manifest(name="acme", version="1", kinds=("acme.work",))


def work(step: StepFile, bundle: Path, report: Reporter) -> None:
    """Leave one file."""
    (bundle / "outputs" / "done.txt").write_text(step.kind, encoding="utf-8")
    report.emit("artifact", role="evaluation", path="outputs")


if __name__ == "__main__":
    main(MANIFEST, work)
