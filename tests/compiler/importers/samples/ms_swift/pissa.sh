CUDA_VISIBLE_DEVICES=0 \
swift sft --use_hf true --model Qwen/Qwen2.5-7B-Instruct \
    --dataset data/tickets.jsonl \
    --tuner_type lora --init_weights pissa_niter_16 --lora_rank 8 \
    --torch_dtype bfloat16 --num_train_epochs 1 --per_device_train_batch_size 2 --gradient_accumulation_steps 8 --max_length 2048 --output_dir output/pissa
