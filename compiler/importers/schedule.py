"""The learning rate's warm-up and Adam's own settings, which the language says in fewer words than the frameworks."""

from tunewright.compiler.importers.draft import Said
from tunewright.compiler.importers.life import Life
from tunewright.compiler.importers.options import Options, as_number
from tunewright.compiler.importers.training import Training

#: What Adam's settings are here.
_ADAM = {"adam_beta1": 0.9, "adam_beta2": 0.999, "adam_epsilon": 1e-8, "adam_eps": 1e-8}


def set_warmup(options: Options, step: Training, life: Life, default: Said | None) -> None:
    """Set the warm-up as a share; a number of steps is one only where the number of all steps is written too."""
    steps, total = options.number("warmup_steps"), step.get("max_steps")
    if steps is not None and 0 < steps.value < 1:
        step.set("warmup_ratio", steps)
        options.take("warmup_ratio")
    elif steps is not None and steps.value > 0 and isinstance(total, int) and total > steps.value:
        step.set("warmup_ratio", Said(round(steps.value / total, 6), f"{steps.origin} of {total}"))
        options.take("warmup_ratio")
    else:
        if steps is not None and steps.value > 0:
            life.drafting.lose(steps.origin, "the language counts warm-up as a share: write `warmup_ratio`")
        step.set("warmup_ratio", options.number("warmup_ratio"), default)


def check_adam(options: Options, life: Life) -> None:
    """Report settings of Adam that are not what they are here."""
    for name, usual in _ADAM.items():
        option = options.take(name)
        if option is None:
            continue
        if as_number(option.value) == usual:
            life.drafting.leave(option.origin, "is what it is here")
        else:
            life.drafting.lose(option.origin, f"the language has no word for it; here it is {usual:g}")
