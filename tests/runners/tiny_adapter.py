"""Write a LoRA adapter that changes a model: `python tiny_adapter.py MODEL ADAPTER TARGET...` (environment `train`)."""

import sys


def main(model_folder: str, adapter_folder: str, targets: list[str]) -> None:
    """Draw both LoRA matrices from a fixed seed (PEFT would start B at zero: no change) and save the adapter alone."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(0)
    settings = LoraConfig(r=8, lora_alpha=16, target_modules=targets, task_type="CAUSAL_LM")
    adapted = get_peft_model(AutoModelForCausalLM.from_pretrained(model_folder), settings)
    for name, parameter in adapted.named_parameters():
        if "lora_" in name:
            torch.nn.init.normal_(parameter, std=0.1)
    adapted.save_pretrained(adapter_folder, save_embedding_layers=False)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
