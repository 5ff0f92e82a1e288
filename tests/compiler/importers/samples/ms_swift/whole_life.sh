#!/usr/bin/env bash
# Train, merge, quantise, serve.
set -e
MODEL=Qwen/Qwen2.5-7B-Instruct
export USE_HF=1

CUDA_VISIBLE_DEVICES=0 swift sft --model $MODEL --train_type lora --dataset data/tickets.jsonl \
    --learning_rate 1e-4 --lora_rank 8 --lora_alpha 32 --max_length 2048 --output_dir output/sft  # one card

swift rlhf --rlhf_type dpo --model $MODEL --adapters output/sft/vx-xxx/checkpoint-xxx --train_type lora \
    --dataset data/pairs.jsonl --learning_rate 5e-6 --max_length 2048 --output_dir output/dpo

swift export --adapters output/dpo/vx-xxx/checkpoint-xxx --merge_lora true \
    --quant_method gptq --quant_bits 4 --dataset data/tickets.jsonl --output_dir packed
swift eval --model packed --eval_dataset gsm8k arc ceval --eval_limit 100 --infer_backend vllm
swift deploy --model packed --infer_backend vllm --vllm_max_model_len 4096 --vllm_gpu_memory_utilization 0.85 \
    --served_model_name support --port 8000 > serve.log 2>&1 &
