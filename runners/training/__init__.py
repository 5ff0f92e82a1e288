"""Training on TRL, PEFT and transformers: what `train_trl` is made of, one concern a file."""
