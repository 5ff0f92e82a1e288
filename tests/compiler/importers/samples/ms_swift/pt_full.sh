NPROC_PER_NODE=8 \
swift pt \
    --model Qwen/Qwen2.5-7B \
    --train_type full \
    --dataset data/corpus.jsonl \
    --learning_rate 1e-5 \
    --max_steps 1000 \
    --warmup_steps 50 \
    --deepspeed zero3_offload \
    --max_length 8192 \
    --output_dir pt \
    --streaming false \
    --save_steps 500
