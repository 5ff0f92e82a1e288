"""Where base models come from, each turned into one normal folder: safetensors, config, tokenizer, chat template."""
