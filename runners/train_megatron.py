"""Runner of `train.megatron`: fine-tuning on Megatron Core, the model divided among processes."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunewright.runners import contract
from tunewright.runners.contract import StepFile
from tunewright.runners.megatron.architecture import read_architecture, read_plan
from tunewright.runners.megatron.batches import Batches
from tunewright.runners.megatron.devices import computing_on, device_of
from tunewright.runners.megatron.layout import Layout, join_groups, leave_groups
from tunewright.runners.megatron.loop import make_trainer
from tunewright.runners.megatron.probing import AsTransformers
from tunewright.runners.megatron.rows import tokenised
from tunewright.runners.megatron.run import Run
from tunewright.runners.sdk import STEP_ENDS, Manifest, Reporter, main
from tunewright.runners.training.checkpoint_manifest import Origin
from tunewright.runners.training.checkpoints import Checkpoints
from tunewright.runners.training.data import read_training_rows, split_rows
from tunewright.runners.training.determinism import keep_promise
from tunewright.runners.training.distributed import check_processes, is_first
from tunewright.runners.training.finishing import finish
from tunewright.runners.training.health import HealthCheck
from tunewright.runners.training.imports import leave_out_unused
from tunewright.runners.training.oversight import Oversight
from tunewright.runners.training.settings import TrainSettings
from tunewright.runners.training.sinks.sink import Sinks, check_sinks
from tunewright.runners.training.surroundings import failure_of, quiet_libraries
from tunewright.runners.training.vocabulary import hold_together
from tunewright.spec.methods import METHODS
from tunewright.spec.tuners import TUNERS

if TYPE_CHECKING:
    from tunewright.runners.megatron.tuning import DividedModel

STRATEGY = "megatron"

MANIFEST = Manifest(
    name="train-megatron",
    version="1",
    kinds=("train.megatron",),
    capabilities=(
        *(name for name, method in METHODS.items() if method.on_megatron),
        *(name for name, tuner in TUNERS.items() if tuner.on_megatron),
        STRATEGY,
    ),
    packages=("torch", "transformers", "peft", "megatron"),
)


def work(step: StepFile, bundle: Path, report: Reporter) -> None:
    """Train as step.json and megatron.json say and fill outputs/; goes on from the newest checkpoint in work/."""
    layout = Layout.from_parameters(step.parameters["parallelism"])
    divided = {"strategy": STRATEGY, "processes": layout.processes, "data_parallel": layout.data_parallel}
    settings = TrainSettings.from_parameters({**step.parameters, "parallelism": divided}, strategies=(STRATEGY,))
    check_sinks(settings.report_to, sys.executable)
    leave_out_unused(settings, Path(step.inputs["model"].path))
    quiet_libraries(settings.device)
    try:
        _train(step, settings, layout, bundle, report)
    except STEP_ENDS:
        raise
    except Exception as error:
        raise failure_of(error, settings, step) from error
    finally:
        leave_groups()


def _train(step: StepFile, settings: TrainSettings, layout: Layout, bundle: Path, report: Reporter) -> None:
    folder, base = bundle / contract.WORK, Path(step.inputs["model"].path)
    health = HealthCheck.prepare(base, settings, folder)
    rows, held_out = split_rows(
        read_training_rows(step.inputs, settings, report), settings.evaluation_share, settings.seed
    )
    report.phase("loading the libraries")
    check_processes(settings)
    keep_promise(settings)
    with computing_on(settings.device):
        device = device_of(settings.device)
        join_groups(layout, "gloo" if settings.device == "cpu" else "nccl", settings.seed)
        report.check_cancelled()
        checkpoints = Checkpoints(folder / "checkpoints", settings.save_total_limit, Origin.of(step, layout.processes))
        if is_first():
            checkpoints.start()
        sinks = Sinks(settings.report_to, step, folder)
        oversight = Oversight(settings, report, checkpoints, sinks=sinks)
        run, model, tokenizer = _prepared(step, settings, layout, device, oversight, (rows, held_out), folder)
        succeeded = False
        try:
            run.to_the_end()
            _finish(run, model, tokenizer, health, step, bundle)
            succeeded = True
        finally:
            sinks.close(succeeded=succeeded)


def _prepared(
    step: StepFile,
    settings: TrainSettings,
    layout: Layout,
    device: Any,
    oversight: Oversight,
    rows: tuple[list[dict[str, Any]], list[dict[str, Any]]],
    folder: Path,
) -> tuple[Run, "DividedModel", Any]:
    """Return the run with everything loaded and tokenised, its model and its tokenizer."""
    from transformers import AutoTokenizer

    from tunewright.runners.megatron.tuning import load_divided

    report, planned = oversight.report, read_plan(folder)
    base, adapter = Path(step.inputs["model"].path), step.inputs.get("adapter")
    tokenizer = AutoTokenizer.from_pretrained(base)
    hold_together(tokenizer, base)
    architecture = read_architecture(base, planned, settings.max_length)
    model = load_divided(base, Path(adapter.path) if adapter else None, architecture, layout, settings, report)
    report.phase("tokenising")
    learnt, held_out = rows
    batches = _batches(learnt, tokenizer, settings, layout, report)
    shown = _batches(held_out, tokenizer, settings, layout, report) if held_out else None
    trainer = make_trainer(model, settings, planned, device, batches.steps)
    return Run(trainer=trainer, batches=batches, held_out=shown, oversight=oversight), model, tokenizer


def _batches(
    rows: list[dict[str, Any]], tokenizer: Any, settings: TrainSettings, layout: Layout, report: Reporter
) -> Batches:
    from megatron.core import parallel_state

    return Batches(
        samples=tokenised(rows, tokenizer, settings, report),
        settings=settings,
        layout=layout,
        rank=parallel_state.get_data_parallel_rank(),
        padding=tokenizer.eos_token_id if tokenizer.pad_token_id is None else tokenizer.pad_token_id,
    )


def _finish(run: Run, model: "DividedModel", tokenizer: Any, health: HealthCheck, step: StepFile, bundle: Path) -> None:
    def write(outputs: Path) -> dict[str, Any]:
        weights = model.write(outputs)
        if is_first():
            tokenizer.save_pretrained(outputs)
        return {"trainable_parameters": weights}

    probed = AsTransformers(run.trainer, model.config)
    finish(run.oversight, health, step, bundle, model=probed, write=write, outcome=run.outcome)


if __name__ == "__main__":
    main(MANIFEST, work)
