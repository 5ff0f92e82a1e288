"""The benchmark's job as a bare script on TRL: what a careful user writes without a framework.

Arguments: model folder, rows file, output folder, JSON of the job (see benchmarks/train.py).
"""

import json
import sys
from pathlib import Path


def main() -> None:
    """Train and save; one line a step on standard output."""
    model_folder, rows_file, output, job = sys.argv[1], Path(sys.argv[2]), sys.argv[3], json.loads(sys.argv[4])
    import torch
    from datasets import Dataset
    from peft import LoraConfig
    from torch.utils.data import SequentialSampler
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from trl import SFTConfig, SFTTrainer

    class InFileOrder(SFTTrainer):  # type: ignore[misc]
        def _get_train_sampler(self, *_: object) -> object:
            return SequentialSampler(self.train_dataset)

    tokenizer = AutoTokenizer.from_pretrained(model_folder)
    model = AutoModelForCausalLM.from_pretrained(
        model_folder, dtype=torch.bfloat16, attn_implementation=job["attention"]
    )
    rows = [json.loads(line)["messages"] for line in rows_file.read_text(encoding="utf-8").splitlines()]
    trainer = InFileOrder(
        model=model,
        args=SFTConfig(
            output_dir=output,
            per_device_train_batch_size=job["batch"],
            max_steps=job["steps"],
            learning_rate=job["learning_rate"],
            lr_scheduler_type="constant",
            max_length=job["max_length"],
            bf16=False,
            gradient_checkpointing=False,
            completion_only_loss=True,
            logging_steps=1,
            save_strategy="no",
            report_to="none",
            use_cpu=True,
            seed=0,
        ),
        train_dataset=Dataset.from_list([{"prompt": row[:-1], "completion": row[-1:]} for row in rows]),
        processing_class=tokenizer,
        peft_config=LoraConfig(
            task_type="CAUSAL_LM", r=job["rank"], lora_alpha=job["alpha"], target_modules="all-linear"
        ),
    )
    trainer.train()
    trainer.save_model(output)


if __name__ == "__main__":
    main()
