"""Our tokens of rows beside those of TRL's own trainer. Runs in the `train` environment; settings in, JSON out."""

import json
import sys
from types import SimpleNamespace
from typing import Any

from datasets import Dataset
from transformers import AutoTokenizer
from trl import SFTConfig, SFTTrainer

from tunewright.runners.training.feeding import data_set
from tunewright.runners.training.settings import TrainSettings

CHAT = {
    "prompt": [{"role": "user", "content": "open ticket number 3"}],
    "completion": [{"role": "assistant", "content": "team billing, priority high."}],
}
ROWS: dict[str, dict[str, Any]] = {
    "conversation": CHAT,
    "whole conversation": {"messages": [*CHAT["prompt"], *CHAT["completion"]]},
    "plain text": {"text": "ticket number 3 belongs to team billing"},
    "prompt and completion": {"prompt": "ticket number 3:", "completion": " team billing"},
}

folder, parameters = sys.argv[1], json.loads(sys.argv[2])
tokenizer = AutoTokenizer.from_pretrained(folder)
found = {}
for name, row in ROWS.items():
    loss_on = "completion" if "prompt" in row else "all"
    settings = TrainSettings.from_parameters({**parameters, "loss_on": loss_on})
    trainer = SimpleNamespace(_tokenizer=tokenizer, chat_template=None, completion_only_loss=loss_on == "completion")
    arguments = SFTConfig(output_dir="unused", max_length=settings.max_length, use_cpu=True, bf16=False)
    theirs = SFTTrainer._prepare_dataset(
        trainer,
        Dataset.from_list([row]),
        tokenizer,
        arguments,
        packing=False,
        formatting_func=None,
        dataset_name="train",
    )[0]
    found[name] = [data_set([row], tokenizer, settings, None)[0], {key: theirs[key] for key in ("input_ids", "labels")}]
sys.stdout.write("\n" + json.dumps(found))
