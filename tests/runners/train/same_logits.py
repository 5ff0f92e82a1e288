"""Print the greatest difference between the logits of a model on Megatron Core and on transformers, family by family.

python same_logits.py FOLDER PLANS.json     PLANS: {"llama": megatron.json's content, ...}
"""

import json
import sys
from pathlib import Path

import torch

from tunewright.runners.megatron.architecture import read_architecture
from tunewright.runners.megatron.devices import computing_on
from tunewright.runners.megatron.layout import Layout, join_groups, leave_groups
from tunewright.runners.megatron.loop import causal_mask
from tunewright.runners.megatron.mapping import mapped_parameters
from tunewright.runners.megatron.model import build_chunks, transformer_config
from tunewright.runners.megatron.weights import HubFolder, check_all_known, gathered, load_weights, whole_tensors


def main(folder: Path, plans: Path) -> None:
    """Compare on random tokens, then bring the weights back to the hub format and compare them bit by bit."""
    from transformers import AutoModelForCausalLM

    found = {}
    for family, planned in json.loads(plans.read_text()).items():
        layout = Layout(processes=1)
        with computing_on("cpu"):
            join_groups(layout, "gloo", 0)
            architecture = read_architecture(folder / family, planned, 64)
            config = transformer_config(architecture, layout)
            chunks = build_chunks(architecture, config, layout)
            parameters = list(mapped_parameters(chunks, architecture, config, layout))
            hub = HubFolder(folder / family)
            load_weights(parameters, hub, 1)
            check_all_known(parameters, hub, tied=architecture.tied)
            tokens = torch.randint(0, architecture.vocabulary, (4, 96), generator=torch.Generator().manual_seed(1))
            with torch.no_grad():
                logits = chunks[0].eval()(tokens, torch.arange(96).expand(4, 96), causal_mask(96, "cpu"))
            back = dict(gathered(whole_tensors(parameters)))
            leave_groups()
        theirs = AutoModelForCausalLM.from_pretrained(folder / family, dtype=torch.float32, attn_implementation="eager")
        with torch.no_grad():
            wanted = theirs(tokens).logits
        same = all(torch.equal(back[name], hub.tensor(name)) for name in hub.names)
        difference = float((logits[..., : wanted.shape[-1]] - wanted).abs().max())
        found[family] = {"difference": difference, "largest": float(wanted.abs().max()), "same_weights": same}
    print(json.dumps(found))  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
