"""A model family of somebody else: described in `acme_nova.family.json`, computed in `modeling.py`."""


def register() -> None:
    """Tell transformers which classes read and compute `acme_nova` models."""
    from transformers import AutoConfig, AutoModelForCausalLM

    from acme_nova.modeling import NovaConfig, NovaForCausalLM

    AutoConfig.register("acme_nova", NovaConfig, exist_ok=True)
    AutoModelForCausalLM.register(NovaConfig, NovaForCausalLM, exist_ok=True)
