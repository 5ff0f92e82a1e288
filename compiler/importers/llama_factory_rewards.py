"""LLaMA-Factory's PPO: a reward model that an earlier step left, and settings of its trainer."""

from tunewright.compiler.importers.draft import Said
from tunewright.compiler.importers.life import Life
from tunewright.compiler.importers.llama_factory_vocabulary import DEFAULTS
from tunewright.compiler.importers.options import Options
from tunewright.compiler.importers.training import Training


def set_ppo(options: Options, step: Training, life: Life) -> None:
    """Set what replies are paid for and how they are learned from."""
    judge = options.take("reward_model")
    earlier = life.step_of(str(judge.value)) if judge is not None else None
    if judge is None:
        life.drafting.refuse("reward_model", "nothing says what replies are paid for")
    elif earlier is None:
        life.drafting.refuse(
            judge.origin, "a reward model from elsewhere: import it together with the file that trained it"
        )
    else:
        step.set("rewards", Said(({"model": earlier},), judge.origin))
    if (kind := options.word("reward_model_type")) is not None:
        life.drafting.leave(kind.origin, "what a step leaves says itself what it is")
    step.set("num_iterations", options.integer("ppo_epochs"), _default("ppo_epochs"))
    step.set("beta", _default("ppo_beta"))
    step.set("max_completion_length", options.integer("max_new_tokens"), _default("ppo_max_new_tokens"))
    step.set("temperature", options.number("temperature"), _default("ppo_temperature"))
    for name in ("top_k", "top_p"):
        if (said := options.number(name)) is not None:
            life.drafting.lose(said.origin, "replies are sampled from all tokens here")
    life.drafting.lose(
        "the KL penalty (default of LLaMA-Factory)", "it is adapted on the way there; here `beta` stays as it is"
    )


def _default(name: str) -> Said:
    return Said(DEFAULTS[name], "default of LLaMA-Factory")
