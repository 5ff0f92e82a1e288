"""Make prompt and prefix adapters of a model, and compare what they say through us with PEFT's own forward pass.

python check_lead_in.py MODEL FOLDER     in the `train` environment; prints one JSON object
"""

import json
import sys
from pathlib import Path
from typing import Any

from tunewright.runners.evaluation.generation import Sampling, write_replies
from tunewright.runners.evaluation.likelihood import choice_likelihoods
from tunewright.runners.model_loading import load_for_inference, load_tokenizer

PROMPTS = [[5, 17, 300, 42, 8, 99, 250, 7], [900, 31, 77]]
CHOICES = [[3, 500, 41], [612]]
LENGTH = 8


def main(model: Path, folder: Path) -> None:
    """Write FOLDER/prompt and FOLDER/prefix; print for each what both sides said."""
    import torch
    from peft import PeftModel, PrefixTuningConfig, PromptTuningConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    tokenizer, found = load_tokenizer(model), {}
    sampling = Sampling(max_new_tokens=LENGTH)
    for name, kind in (("prompt", PromptTuningConfig), ("prefix", PrefixTuningConfig)):
        torch.manual_seed(1)
        adapted = get_peft_model(
            AutoModelForCausalLM.from_pretrained(model), kind(task_type="CAUSAL_LM", num_virtual_tokens=4)
        )
        adapted.prompt_encoder["default"].embedding.weight.data.normal_(std=1.0)
        adapted.save_pretrained(folder / name)
        peft = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(model), folder / name).eval()
        ours = load_for_inference(model, folder / name, precision="fp32", device="cpu")
        replies = write_replies(ours, tokenizer, PROMPTS, sampling, 2, lambda _: None, lambda: None)
        base = load_for_inference(model, None, precision="fp32", device="cpu")
        found[name] = {
            "ours": replies,
            "peft": [tokenizer.decode(greedy(peft, prompt), skip_special_tokens=True) for prompt in PROMPTS],
            "base": write_replies(base, tokenizer, PROMPTS, sampling, 2, lambda _: None, lambda: None),
            "our_likelihoods": choice_likelihoods(ours, PROMPTS[0], CHOICES),
            "peft_likelihoods": [likelihood(peft, PROMPTS[0], choice) for choice in CHOICES],
        }
    print(json.dumps(found))  # noqa: T201


def logits(peft: Any, ids: list[int]) -> Any:
    """Return the logits of a text's own tokens, [ids, vocabulary]; every call reads the whole text."""
    import torch

    with torch.inference_mode():
        tokens = torch.tensor([ids])
        return peft(input_ids=tokens, attention_mask=torch.ones_like(tokens), use_cache=False).logits[0, -len(ids) :]


def greedy(peft: Any, prompt: list[int]) -> list[int]:
    """Return the likeliest continuation."""
    ids = list(prompt)
    for _ in range(LENGTH):
        ids.append(int(logits(peft, ids)[-1].argmax()))
    return ids[len(prompt) :]


def likelihood(peft: Any, prompt: list[int], choice: list[int]) -> float:
    """Return the summed log-probability of a continuation."""
    scores = logits(peft, [*prompt, *choice]).log_softmax(-1)
    return sum(float(scores[len(prompt) - 1 + place, token]) for place, token in enumerate(choice))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
