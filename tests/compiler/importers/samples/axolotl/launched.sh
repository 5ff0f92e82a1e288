accelerate launch --num_processes 8 -m axolotl.cli.train full_fsdp.yaml --learning-rate 1e-5 --micro-batch-size=1
