NNODES=2 \
NODE_RANK=0 \
MASTER_ADDR=127.0.0.1 \
torchrun --nproc_per_node=8 --nnodes=2 swift/cli/sft.py \
    --model Qwen/Qwen2.5-7B-Instruct \
    --train_type full \
    --dataset data/tickets.jsonl \
    --learning_rate 1e-5 \
    --deepspeed zero2 \
    --torch_dtype bfloat16 \
    --num_train_epochs 2 \
    --per_device_train_batch_size 1 \
    --per_device_eval_batch_size 1 \
    --gradient_accumulation_steps 8 \
    --eval_steps 100 \
    --save_steps 100 \
    --save_total_limit 3 \
    --logging_steps 5 \
    --max_length 4096 \
    --warmup_ratio 0.05 \
    --dataloader_num_workers 4 \
    --dataset_num_proc 4
