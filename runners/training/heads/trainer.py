"""transformers' trainer, which adds a new adapter as TRL's trainers do."""

from typing import Any

import torch
from transformers import Trainer


class HeadTrainer(Trainer):  # type: ignore[misc]
    """Learns by the loss of the model itself, unless a subclass computes another one."""

    def __init__(self, *, model: Any, args: Any, peft_config: Any | None, **rest: Any) -> None:
        if peft_config is not None:
            model = _with_adapter(model, args, peft_config)
        if args.gradient_checkpointing and hasattr(model, "peft_config"):
            model.enable_input_require_grads()
        super().__init__(model=model, args=args, **rest)
        # transformers 5.23 sees that heads take the number of rows of a step, and they then leave it unused: the loss
        # would not be divided by the batches of a step, and be multiplied by the processes.
        self.model_accepts_loss_kwargs = False


def _with_adapter(model: Any, args: Any, peft_config: Any) -> Any:
    from peft import get_peft_model
    from transformers import set_seed

    set_seed(args.seed)
    zero3 = args.deepspeed_plugin is not None and args.deepspeed_plugin.zero_stage == 3
    if zero3 and args.gradient_checkpointing:  # without it DeepSpeed loses parameters while blocks replay
        args.gradient_checkpointing_kwargs = {**(args.gradient_checkpointing_kwargs or {}), "use_reentrant": True}
    quantized = getattr(model, "is_quantized", False)
    adapted = get_peft_model(model, peft_config, autocast_adapter_dtype=quantized or not zero3)
    if quantized:  # as in the paper on QLoRA; DoRA's magnitudes move by less than bf16 can tell
        for name, parameter in adapted.named_parameters():
            if ".lora_" in name and "lora_magnitude_vector" not in name:
                parameter.data = parameter.data.to(torch.bfloat16)
    return adapted
