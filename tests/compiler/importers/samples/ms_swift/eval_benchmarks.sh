swift eval \
    --model Qwen/Qwen2.5-7B-Instruct \
    --eval_backend Native \
    --infer_backend pt \
    --eval_limit 50 \
    --eval_dataset gsm8k arc \
    --temperature 0
