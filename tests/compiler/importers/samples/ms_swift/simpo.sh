NPROC_PER_NODE=2 CUDA_VISIBLE_DEVICES=0,1 \
swift rlhf --rlhf_type simpo --use_hf true --model Qwen/Qwen2.5-7B-Instruct \
    --tuner_type lora --dataset data/pairs.jsonl \
    --cpo_alpha 0 --simpo_gamma 1.2 --beta 2.5 \
    --torch_dtype bfloat16 --num_train_epochs 1 --per_device_train_batch_size 2 --gradient_accumulation_steps 8 --max_length 2048 --output_dir output/simpo
