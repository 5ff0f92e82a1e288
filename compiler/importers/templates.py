"""Chat templates: the frameworks name one, Tunewright takes the model's own; this says whether that is the same."""

import re

from tunewright.compiler.importers.draft import Drafting, Said

_OWN = frozenset({"tokenizer_default", "default", "auto", "jinja_default"})
#: Template words whose models are called otherwise.
_RELATIVES = {
    "chatml": ("qwen", "yi"),
    "inst": ("mistral", "mixtral"),
    "chatglm": ("glm",),
    "intern": ("internlm", "internvl"),
    "mllama": ("llama",),
}


#: Families whose models without instructions have no template of their own, and words that tell the others.
_BARE = frozenset({"llama", "mistral", "gemma", "falcon", "alpaca", "vicuna"})
_INSTRUCTED = ("instruct", "chat", "-it", "_it", "vicuna", "alpaca", "zephyr", "vision", "scout", "maverick")


def check_template(template: Said | None, drafting: Drafting) -> None:
    """Note that the model's own template is used; report a template that belongs to another family."""
    if template is None:
        return
    name = str(template.value).lower()
    model = str(drafting.value(("base", "model")) or "").lower()
    family = re.split(r"[^a-z]", name.removeprefix("tokenizer_default_fallback_"), maxsplit=1)[0]
    relatives = (family, *_RELATIVES.get(family, ()))
    if name in _OWN or name.startswith("tokenizer_default") or any(word and word in model for word in relatives):
        if family in _BARE and name not in _OWN and not any(word in model for word in _INSTRUCTED):
            drafting.lose(template.origin, "a base model has no chat template of its own: name its instruct variant")
        else:
            drafting.leave(template.origin, "the model's own chat template is used")
    else:
        drafting.lose(template.origin, "the model's own chat template is used, which may be another one")
