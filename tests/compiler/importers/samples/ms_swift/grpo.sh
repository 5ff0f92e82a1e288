NPROC_PER_NODE=2 CUDA_VISIBLE_DEVICES=0,1 \
swift rlhf --rlhf_type grpo --use_hf true --model Qwen/Qwen2.5-7B-Instruct \
    --tuner_type lora --dataset data/questions.jsonl \
    --reward_funcs format --reward_weights 2 --num_generations 4 --max_completion_length 512 --temperature 1.0 --beta 0.001 \
    --use_vllm true --vllm_mode colocate --vllm_gpu_memory_utilization 0.4 --loss_type dr_grpo --scale_rewards none --log_completions true \
    --torch_dtype bfloat16 --num_train_epochs 1 --per_device_train_batch_size 2 --gradient_accumulation_steps 8 --max_length 2048 --output_dir output/grpo
