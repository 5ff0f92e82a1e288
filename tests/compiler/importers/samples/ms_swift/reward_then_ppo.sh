swift rlhf --rlhf_type rm --use_hf true --model Qwen/Qwen2.5-7B-Instruct --tuner_type lora --dataset data/pairs.jsonl \
    --torch_dtype bfloat16 --num_train_epochs 1 --per_device_train_batch_size 2 --gradient_accumulation_steps 8 --max_length 2048 --output_dir output/reward
swift rlhf --rlhf_type ppo --use_hf true --model Qwen/Qwen2.5-7B-Instruct --tuner_type lora --dataset data/questions.jsonl \
    --reward_model output/reward/vx-xxx/checkpoint-xxx --response_length 256 --temperature 0.7 --kl_coef 0.1 \
    --torch_dtype bfloat16 --num_train_epochs 1 --per_device_train_batch_size 2 --gradient_accumulation_steps 8 --max_length 1024 --output_dir output/ppo
