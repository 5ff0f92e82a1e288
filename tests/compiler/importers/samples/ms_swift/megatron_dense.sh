NPROC_PER_NODE=8 \
megatron sft \
    --model Qwen/Qwen2.5-7B-Instruct \
    --save_safetensors true \
    --tuner_type full \
    --dataset data/tickets.jsonl \
    --tensor_model_parallel_size 4 \
    --pipeline_model_parallel_size 2 \
    --sequence_parallel true \
    --micro_batch_size 2 \
    --global_batch_size 32 \
    --num_train_epochs 2 \
    --lr 1e-5 \
    --lr_warmup_fraction 0.05 \
    --max_length 4096 \
    --output_dir megatron_output \
    --eval_steps 100 \
    --save_steps 100
