"""Write one small model for each of the families that the Megatron path maps, with another model's tokenizer.

python tiny_families.py TOKENIZER FOLDER     in the `train` environment; makes FOLDER/llama, FOLDER/qwen3_moe, ...
"""

import sys
from pathlib import Path

SHAPE = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
}
EXPERTS = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 48, "norm_topk_prob": True}
UNBALANCED = {"router_aux_loss_coef": 0.0}  # the Megatron path adds no loss for balance, and says so
SCALED = {"rope_type": "llama3", "rope_theta": 10000.0, "factor": 4.0, "low_freq_factor": 1.0,
          "high_freq_factor": 4.0, "original_max_position_embeddings": 64}  # fmt: skip


def main(tokenizer_folder: Path, folder: Path) -> None:
    """Draw each model from the same seed; weights are made larger than fresh ones, so that differences show."""
    import torch
    import transformers
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tokenizer_folder)
    words = {"vocab_size": len(tokenizer), "eos_token_id": tokenizer.eos_token_id}
    for name, kind, more in (
        ("llama", "Llama", {"tie_word_embeddings": True, "rope_parameters": SCALED}),
        ("qwen2", "Qwen2", {"tie_word_embeddings": True}),
        ("qwen3", "Qwen3", {"head_dim": 16, "tie_word_embeddings": False}),
        ("qwen3_moe", "Qwen3Moe", {"head_dim": 16, "mlp_only_layers": [1], **EXPERTS, **UNBALANCED}),
        (
            "mixtral",
            "Mixtral",
            {"num_local_experts": 4, "num_experts_per_tok": 2, "sliding_window": None, **UNBALANCED},
        ),
    ):
        torch.manual_seed(0)
        config = getattr(transformers, f"{kind}Config")(**SHAPE, **words, **more)
        model = getattr(transformers, f"{kind}ForCausalLM")(config)
        for weight_name, weight in model.named_parameters():
            if "bias" in weight_name:
                weight.data.normal_(0, 0.2)
            elif "norm" not in weight_name and "embed" not in weight_name:
                weight.data *= 3
        model.save_pretrained(folder / name)
        tokenizer.save_pretrained(folder / name)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
