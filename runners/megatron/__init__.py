"""Training on Megatron Core: what `train_megatron` is made of, one concern a file."""
