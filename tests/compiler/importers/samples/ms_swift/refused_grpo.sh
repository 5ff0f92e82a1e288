NPROC_PER_NODE=8 \
swift rlhf \
    --rlhf_type grpo \
    --model Qwen/Qwen2.5-7B-Instruct \
    --reward_funcs accuracy format \
    --use_vllm true \
    --vllm_mode colocate \
    --num_generations 8 \
    --dataset AI-MO/NuminaMath-TIR#1000 \
    --learning_rate 1e-6
