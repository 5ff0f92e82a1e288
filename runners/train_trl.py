"""Runner of `train.trl`: fine-tuning with TRL, PEFT and transformers, in one process or several."""

import sys
from pathlib import Path
from typing import Any

from tunewright.runners import contract
from tunewright.runners.contract import StepFile
from tunewright.runners.families import register_families
from tunewright.runners.sdk import STEP_ENDS, Manifest, Reporter, StepFailedError, main
from tunewright.runners.training.ahead import check_tokens, read_tokens
from tunewright.runners.training.checkpoint_manifest import Origin
from tunewright.runners.training.checkpointing import checkpoint_to_resume
from tunewright.runners.training.checkpoints import Checkpoints
from tunewright.runners.training.data import read_training_rows, split_rows
from tunewright.runners.training.determinism import keep_promise
from tunewright.runners.training.distributed import check_wrapper, is_first, join_processes, leave_processes
from tunewright.runners.training.finishing import finish
from tunewright.runners.training.guard import scale_learning_rate
from tunewright.runners.training.health import HealthCheck
from tunewright.runners.training.imports import leave_out_unused
from tunewright.runners.training.loading import load_tuned_model
from tunewright.runners.training.merging import discard_merged
from tunewright.runners.training.methods.method import training_method
from tunewright.runners.training.oversight import Oversight
from tunewright.runners.training.refusals import refused_row
from tunewright.runners.training.settings import STRATEGIES, TrainSettings
from tunewright.runners.training.sinks.sink import Sinks, check_sinks
from tunewright.runners.training.surroundings import failure_of, quiet_libraries
from tunewright.runners.training.trainer import make_trainer, training_arguments
from tunewright.runners.training.tuners.tuner import training_tuner
from tunewright.spec.methods import METHODS
from tunewright.spec.tuners import TUNERS

MANIFEST = Manifest(
    name="train-trl",
    version="1",
    kinds=("train.trl",),
    capabilities=(*METHODS, *TUNERS, *STRATEGIES),
    environment="train",
    packages=("torch", "transformers", "trl", "peft", "accelerate", "datasets"),
)

#: Figures of every method's summary, as `TrainingMethod.figures` has a method's own.
_FIGURES = {"evaluation_loss": ("eval_loss", -1)}


def work(step: StepFile, bundle: Path, report: Reporter) -> None:
    """Train as step.json says and fill outputs/; goes on from the newest checkpoint when work/ holds one."""
    settings = TrainSettings.from_parameters(step.parameters)
    check_sinks(settings.report_to, sys.executable)
    leave_out_unused(settings, Path(step.inputs["model"].path))
    quiet_libraries(settings.device)
    try:
        register_families(settings.families)
        _train(step, settings, bundle, report)
    except STEP_ENDS:
        raise
    except Exception as error:
        raise failure_of(error, settings, step) from error
    finally:
        leave_processes()


def _train(step: StepFile, settings: TrainSettings, bundle: Path, report: Reporter) -> None:
    folder, model_folder = bundle / contract.WORK, Path(step.inputs["model"].path)
    health = HealthCheck.prepare(model_folder, settings, folder)
    ahead = Path(step.inputs["tokens"].path) if "tokens" in step.inputs else None
    rows, held_out = _rows(step, settings, ahead, report)
    report.phase("loading the libraries")
    join_processes(settings)
    keep_promise(settings)
    report.check_cancelled()
    origin = Origin.of(step, settings.parallelism.processes)
    checkpoints = Checkpoints(folder / "checkpoints", settings.save_total_limit, origin)
    if is_first():
        checkpoints.start()
    oversight = Oversight(settings, report, checkpoints, sinks=Sinks(settings.report_to, step, folder))
    arguments = training_arguments(settings, folder, evaluates=bool(held_out))
    adapter = step.inputs.get("adapter")
    tuned = load_tuned_model(model_folder, Path(adapter.path) if adapter else None, settings, folder, report)
    if ahead is not None:
        check_tokens(ahead, tuned.tokenizer)
    try:
        trainer = make_trainer(settings, arguments, tuned, rows, held_out, oversight, step.inputs)
    except Exception as error:
        raise refused_row(error, step.inputs, settings, tuned.tokenizer, report) or error from error
    discard_merged(folder)
    health.check_trained(_trainable_parameters(trainer.model), step.estimate.get("trained_parameters"))
    trainer.add_callback(_callback(trainer, oversight))
    succeeded = False
    try:
        _run(trainer, oversight, checkpoints)
        _finish(trainer, oversight, health, step, bundle)
        succeeded = True
    finally:
        if oversight.sinks is not None:
            oversight.sinks.close(succeeded=succeeded)


def _rows(step: StepFile, settings: TrainSettings, ahead: Path | None, report: Reporter) -> tuple[Any, Any]:
    if ahead is not None:
        return read_tokens(ahead)
    return split_rows(read_training_rows(step.inputs, settings, report), settings.evaluation_share, settings.seed)


def _run(trainer: Any, oversight: Oversight, checkpoints: Checkpoints) -> None:
    resumed = checkpoint_to_resume(checkpoints, oversight.report)
    oversight.report.phase(f"going on from {resumed.name}" if resumed else "training")
    oversight.resumed(resumed)
    try:
        trainer.train(resume_from_checkpoint=str(resumed) if resumed else None)
    finally:
        oversight.guard.done()
    if trainer.state.global_step == 0:
        raise StepFailedError(
            f"not one step was made: {len(trainer.train_dataset)} rows are less than a step takes",
            reason="ROWS_TOO_FEW",
            help="lower `per_device_train_batch_size` or `gradient_accumulation_steps`, or add rows",
        )


def _finish(trainer: Any, oversight: Oversight, health: HealthCheck, step: StepFile, bundle: Path) -> None:
    def write(outputs: Path) -> dict[str, Any]:
        trainer.accelerator.wait_for_everyone()
        training_tuner(oversight.settings).save(trainer, outputs, oversight.settings)
        if is_first():
            training_method(oversight.settings.method).describe(outputs, trainer.model, oversight.settings)
        trainer.accelerator.wait_for_everyone()
        return {}

    def outcome() -> dict[str, Any]:
        return _outcome(trainer, oversight)

    finish(oversight, health, step, bundle, model=trainer.model, write=write, outcome=outcome)


def _outcome(trainer: Any, oversight: Oversight) -> dict[str, Any]:
    """Return what was learnt, in figures that are equal whenever the same work is done again."""
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    named = {}
    for name, (key, which) in {**_FIGURES, **training_method(oversight.settings.method).figures}.items():
        if curve := [entry[key] for entry in trainer.state.log_history if key in entry]:
            named[name] = curve[which]
    return {
        "steps": trainer.state.global_step,
        "loss_first": losses[0] if losses else None,
        "loss_last": losses[-1] if losses else None,
        "trainable_parameters": _trainable_parameters(trainer.model),
        **named,
    }


def _trainable_parameters(model: Any) -> int:
    # ZeRO-3 leaves a stub of each parameter and its real size in `ds_numel`.
    return sum(getattr(item, "ds_numel", item.numel()) for item in model.parameters() if item.requires_grad)


def _callback(trainer: Any, oversight: Oversight) -> Any:
    from transformers import TrainerCallback

    class Watch(TrainerCallback):  # type: ignore[misc]
        def on_train_begin(self, _args: Any, state: Any, _control: Any, **_: Any) -> None:
            settings = oversight.settings
            check_wrapper(trainer.model_wrapped, settings.parallelism, settings.device)
            oversight.first_step = state.global_step
            scale_learning_rate(trainer, oversight.learning_rate_change())
            oversight.guard.watch_steps()

        def on_step_end(self, _args: Any, state: Any, control: Any, **_: Any) -> None:
            oversight.guard.ended_step()
            oversight.saw_step(state.global_step, state.max_steps)
            control.should_save = control.should_save or oversight.pausing

        def on_save(self, _args: Any, _state: Any, _control: Any, **_: Any) -> None:
            if oversight.pausing:
                raise oversight.paused()

        def on_log(self, _args: Any, state: Any, _control: Any, logs: dict[str, Any] | None = None, **_: Any) -> None:
            oversight.saw_log(state.global_step, logs or {})

    return Watch()


if __name__ == "__main__":
    main(MANIFEST, work)
