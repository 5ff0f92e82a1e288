"""What tuners with modules of our own at the blocks share; the modules are in runners/attachments/."""

from pathlib import Path
from typing import Any

from tunewright.runners.attachments.attachment import attach, load_attachments, save_attachments
from tunewright.runners.training.distributed import is_first
from tunewright.runners.training.settings import TrainSettings
from tunewright.runners.training.tuners.tuner import Start, TrainingTuner


def attached_tuner(start: str) -> TrainingTuner:
    """Return the tuner of a kind of module, in which tensors called `start` are zero until they learn."""
    return TrainingTuner(prepare=_prepare, save=_save, go_on=_go_on, start=Start(name=start))


def _prepare(model: Any, settings: TrainSettings) -> Any:
    import torch

    torch.manual_seed(settings.seed)  # the trainer seeds after the model is made, and these modules start by chance
    attach(model, _form(settings))
    return _replayable(model, settings)


def _go_on(model: Any, adapter: Path, settings: TrainSettings) -> Any:
    return _replayable(load_attachments(model, adapter, trainable=True), settings)


def _replayable(model: Any, settings: TrainSettings) -> Any:
    if settings.gradient_checkpointing:
        model.enable_input_require_grads()
    return model


def _save(trainer: Any, outputs: Path, settings: TrainSettings) -> None:
    if is_first():
        save_attachments(trainer.accelerator.unwrap_model(trainer.model), _form(settings), outputs)
        trainer.processing_class.save_pretrained(outputs)


def _form(settings: TrainSettings) -> dict[str, Any]:
    tuner = settings.tuner
    layers = tuner.options.get("layers")
    return {"attachment": tuner.type, "rank": tuner.rank, "layers": sorted(layers) if layers else None}
