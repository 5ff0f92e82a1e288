swift deploy \
    --adapters output/vx-xxx/checkpoint-xxx \
    --infer_backend vllm
