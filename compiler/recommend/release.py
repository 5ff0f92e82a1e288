"""How the result is packed and served."""

from tunewright.compiler.estimate.parameters import has_shape
from tunewright.compiler.estimate.storage import parameters_of
from tunewright.compiler.facts import defaults
from tunewright.compiler.facts.accelerators import accelerator_model
from tunewright.compiler.ir.facts import ModelFacts
from tunewright.compiler.recommend.measuring import new_tokens
from tunewright.compiler.recommend.situation import Choice, Situation, under
from tunewright.compiler.recommend.training import Setting

_GIB = 2**30
#: Share of an accelerator's memory that weights may take: the rest is for the requests.
_WEIGHTS_SHARE = 0.7


def export_choices(model: str) -> tuple[Choice, ...]:
    """Return the lines of the export."""
    reason = "one folder that every engine loads; in 16 bits, so nothing is lost"
    return under("steps", "pack", "export", model=(model, ""), merge=(True, reason))


def deploy_choices(situation: Situation, model: str, setting: Setting) -> tuple[Choice, ...]:
    """Return the lines of the deployment."""
    step = ("steps", "serve", "deploy")
    engine, engine_reason = _engine(situation)
    context = situation.model.max_position_embeddings
    room = max(setting.train.max_length, defaults.SERVED_LENGTH)
    length = min(context, room) if context else room
    devices = _devices(situation) if engine == "vllm" else 1
    cut = "" if devices == 1 else f"the weights are cut over {devices} accelerators"
    return (
        *under(*step, model=(model, ""), engine=(engine, engine_reason), port=(defaults.PORT, "on this machine only")),
        *under(*step, max_model_len=(length, "question and reply together, no less than was trained")),
        *(under(*step, tensor_parallel=(devices, cut)) if devices > 1 else ()),
        *under(*step, max_new_tokens=(max(new_tokens(situation), 64), "where a request does not say")),
    )


def _engine(situation: Situation) -> tuple[str, str]:
    accelerator = situation.hardware.accelerator
    known = accelerator_model(accelerator.name) if accelerator else None
    if known is not None and known.backend == "cuda" and known.vendor == "nvidia":
        return "vllm", f"many users at once on {known.name}"
    return "embedded", "runs everywhere; for a few users"


def _devices(situation: Situation) -> int:
    """Return over how many accelerators the weights are cut: the fewest that leave room for requests."""
    accelerator = situation.hardware.accelerator
    size = _weight_bytes(situation.model)
    if accelerator is None or size is None:
        return 1
    devices = 1
    heads = situation.model.num_key_value_heads or 1
    while size / devices > _WEIGHTS_SHARE * accelerator.memory_bytes and devices * 2 <= accelerator.count:
        if heads % (devices * 2):
            break
        devices *= 2
    return devices


def _weight_bytes(model: ModelFacts) -> int | None:
    return 2 * parameters_of(model) if model.num_parameters or has_shape(model) else None
