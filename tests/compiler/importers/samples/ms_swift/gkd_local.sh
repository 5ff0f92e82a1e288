swift rlhf --rlhf_type gkd --model ./models/student --teacher_model ./models/teacher --tuner_type full \
    --dataset data/questions.jsonl --lmbda 1 --beta 0.5 --max_completion_length 256 --temperature 0.9 \
    --torch_dtype bfloat16 --num_train_epochs 1 --per_device_train_batch_size 2 --gradient_accumulation_steps 8 --max_length 1024 --learning_rate 1e-5
