FORCE_TORCHRUN=1 NNODES=1 llamafactory-cli train sft_lora.yaml learning_rate=5e-5 num_train_epochs=1
llamafactory-cli export merge_lora.yaml
API_PORT=8100 llamafactory-cli api serve_vllm.yaml
