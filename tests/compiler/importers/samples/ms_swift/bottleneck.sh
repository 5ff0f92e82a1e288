CUDA_VISIBLE_DEVICES=0 \
swift sft --use_hf true --model Qwen/Qwen2.5-7B-Instruct \
    --dataset data/tickets.jsonl \
    --tuner_type adapter --adapter_length 64 --learning_rate 1e-4 \
    --torch_dtype bfloat16 --num_train_epochs 1 --per_device_train_batch_size 2 --gradient_accumulation_steps 8 --max_length 2048 --output_dir output/bottleneck
