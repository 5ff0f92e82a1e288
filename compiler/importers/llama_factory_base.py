"""Where a call of LLaMA-Factory starts from: the base model, its code and its token."""

from tunewright.compiler.importers.draft import Said
from tunewright.compiler.importers.life import Life
from tunewright.compiler.importers.options import Options

FOREIGN_ADAPTER = "an adapter from elsewhere can't be named in a spec; import it together with the file that trained it"


def base_of(options: Options, life: Life, hub: str) -> str | None:
    """Write the base model and what belongs to it; return `base` or the step that made the model."""
    source = life.base(options.word("model_name_or_path"), hub, options.word("model_revision"))
    trust = options.flag("trust_remote_code")
    if trust is not None and trust.value:
        life.drafting.put(("base", "trust_remote_code"), trust)
    for name in ("hf_hub_token", "ms_hub_token", "om_hub_token"):
        if options.take(name) is not None:
            life.drafting.put(("base", "token"), Said("${secret:HUB_TOKEN}", f"{name}: as a secret"))
    return source
