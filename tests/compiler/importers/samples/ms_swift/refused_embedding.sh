swift sft \
    --model Qwen/Qwen3-Embedding-0.6B \
    --task_type embedding \
    --dataset data/tickets.jsonl \
    --loss_type infonce
