# Numbers that the shell computes, names for self-cognition rows, long rows divided among processes.
nproc_per_node=4

CUDA_VISIBLE_DEVICES=0,1,2,3 \
NPROC_PER_NODE=$nproc_per_node \
swift sft \
    --model Qwen/Qwen2.5-7B-Instruct \
    --tuner_type lora \
    --dataset 'AI-ModelScope/alpaca-gpt4-data-en#500' 'swift/self-cognition:empty_think#200' \
    --torch_dtype bfloat16 \
    --lora_rank 8 \
    --lora_alpha 32 \
    --target_modules all-linear \
    --modules_to_save embed_tokens lm_head \
    --gradient_accumulation_steps $(expr 64 / $nproc_per_node) \
    --sequence_parallel_size 4 \
    --neftune_noise_alpha 10 \
    --warmup_steps 25 \
    --lr_scheduler_type cosine_with_min_lr \
    --lr_scheduler_kwargs '{"min_lr": 1e-5}' \
    --streaming true \
    --max_steps 400 \
    --max_length 8192 \
    --model_author 'The Desk' \
    --model_name Pilot
