"""Write a tiny model of the family that `acme` adds, with the tokenizer of another tiny model.

python nova_model.py TINY FOLDER     in an environment that holds the package
"""

import sys
from pathlib import Path


def main(tiny: Path, folder: Path) -> None:
    """Draw the weights from a fixed seed and save them with the tokenizer."""
    import torch
    from acme_nova.modeling import NovaConfig, NovaForCausalLM
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny)
    torch.manual_seed(0)
    ids = {name: getattr(tokenizer, name) for name in ("bos_token_id", "eos_token_id", "pad_token_id")}
    NovaForCausalLM(NovaConfig(vocab_size=len(tokenizer), **ids)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
