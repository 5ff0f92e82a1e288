"""LoRA that starts from the base's largest singular values (Meng et al. 2024).

While it learns, the base lacks what the adapter starts with. The result is turned into a LoRA of twice the rank, which
holds what changed and fits the base as it was: nothing that reads it needs to know.
"""

from pathlib import Path
from typing import Any

from tunewright.runners.training.distributed import is_first
from tunewright.runners.training.settings import TrainSettings
from tunewright.runners.training.tuners.low_rank import low_rank_config
from tunewright.runners.training.tuners.tuner import Start, TrainingTuner

_STARTED_FROM = "started-from"


def _config(model: Any, settings: TrainSettings) -> Any:
    return low_rank_config(model, settings, init_lora_weights=f"pissa_niter_{settings.tuner.options['iterations']}")


def _ready(trainer: Any, _settings: TrainSettings) -> None:
    # PEFT reads the start back as an ordinary adapter, which must not be started from singular values once more.
    config = trainer.model.peft_config["default"]
    word, config.init_lora_weights = config.init_lora_weights, True
    if is_first():
        trainer.model.save_pretrained(_started_from(trainer))
    config.init_lora_weights = word


def _save(trainer: Any, outputs: Path, _settings: TrainSettings) -> None:
    if is_first():
        trainer.model.save_pretrained(
            outputs, path_initial_model_for_weight_conversion=str(_started_from(trainer)), save_embedding_layers=False
        )
        trainer.processing_class.save_pretrained(outputs)


def _started_from(trainer: Any) -> Path:
    return Path(trainer.args.output_dir).parent / _STARTED_FROM


TUNER = TrainingTuner(adapter=_config, ready=_ready, save=_save, start=Start(name=""))
