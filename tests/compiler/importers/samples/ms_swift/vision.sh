CUDA_VISIBLE_DEVICES=0 \
MAX_PIXELS=1003520 \
swift sft --use_hf true --model Qwen/Qwen2.5-VL-7B-Instruct \
    --dataset data/photos.jsonl --tuner_type lora --freeze_vit true --freeze_aligner true \
    --torch_dtype bfloat16 --num_train_epochs 1 --per_device_train_batch_size 2 --gradient_accumulation_steps 8 --max_length 4096
