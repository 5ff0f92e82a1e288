"""In which number format weights are held and passes are computed."""

from tunewright.runners.training.settings import TrainSettings


def weights_precision(settings: TrainSettings) -> str:
    """Return the precision that the loaded weights have: bf16, fp16 or fp32.

    Frozen base weights are kept as short as the spec says. Weights that are trained themselves stay fp32 under
    autocast: an update smaller than a bf16 step would be lost. DeepSpeed keeps fp32 masters itself.
    """
    trains_weights = not settings.tuner.makes_adapter
    if trains_weights and not settings.parallelism.uses_deepspeed:
        return "fp32"
    return settings.precision


def uses_autocast(settings: TrainSettings) -> bool:
    """Say whether forward passes run under mixed precision.

    On a processor an adapter over short weights is faster without: autocast would convert at every layer.
    """
    if settings.precision == "fp32":
        return False
    return settings.device == "cuda" or not settings.tuner.makes_adapter or settings.parallelism.uses_deepspeed
