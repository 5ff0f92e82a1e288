CUDA_VISIBLE_DEVICES=0 \
swift export \
    --model Qwen/Qwen2.5-7B-Instruct \
    --dataset 'data/corpus.jsonl#256' \
    --quant_method awq \
    --quant_bits 4 \
    --group_size 128 \
    --quant_n_samples 256 \
    --max_length 2048 \
    --output_dir Qwen2.5-7B-Instruct-AWQ
