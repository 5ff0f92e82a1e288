swift sft --model Qwen/Qwen2.5-7B-Instruct --dataset rows.jsonl --tuner_type lora \
    --quant_method bnb --quant_bits 8 --target_modules '.*\.(q|v)_proj' --max_length 1024 \
    --adam_beta2 0.99 --loss_scale last_round --use_hf true
